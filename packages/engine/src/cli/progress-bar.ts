/** Shows steps on a terminal as a bar that moves, elsewhere as one line for each step. */
export function progressBar(out: NodeJS.WriteStream) {
  const width = 30;
  let current = '';
  let open = false;
  const close = () => {
    if (open) out.write('\n');
    open = false;
  };
  return {
    show: (step: string, done?: number): void => {
      if (!out.isTTY) {
        if (step !== current) out.write(`${step}\n`);
      } else {
        if (step !== current) close();
        const filled = Math.round((done ?? 0) * width);
        const bar =
          done === undefined ? '' : ` [${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${Math.floor(done * 100)} %`;
        out.write(`\r${step}${bar}`);
        open = true;
      }
      current = step;
    },
    end: close,
  };
}
