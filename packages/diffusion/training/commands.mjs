/** What a published model is trained on, and how: `mnist-cunet` is of the set `sets/mnist.mjs`. Another set is one file there. */
export const setOf = (name) => import(`./sets/${name.split('-')[0]}.mjs`);

/** The kind of network that a published model is: `mnist-cunet` is a `cunet`. */
export const modelOf = (name) => name.split('-')[1];

/** The commands that train a model from the start, with the folders of their runs: `out`, `out-2`, `out-3`... */
export function commandsOf({ channels, recipe }, model, out) {
  let runs = 0;
  let all = { '--model': model, '--channels': channels[model] };
  return recipe.map(({ until, flags, from }) => {
    const before = folderOf(out, runs);
    all = { ...all, ...flags };
    const begins = runs === 0 || from === true;
    if (begins) runs += 1;
    const run = folderOf(out, runs);
    const how = begins ? [...(from ? ['--from', before] : []), '--out', run] : ['--resume', run];
    const settings = Object.entries(begins ? all : flags).flatMap(([flag, value]) =>
      value === true ? flag : [flag, value],
    );
    return { run, until, args: ['train', ...how, '--steps', until, ...settings].map(String) };
  });
}

const folderOf = (out, run) => (run <= 1 ? out : `${out}-${run}`);
