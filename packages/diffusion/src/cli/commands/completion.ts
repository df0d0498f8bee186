import { Argument, Command, type Option } from 'commander';

/** What a shell can be told about one command: how it is reached, and what may follow. */
interface Place {
  /** The commands that lead to it, `native install`; empty for the program. */
  path: string;
  commands: readonly Command[];
  options: readonly Option[];
}

/** The scripts by shell; a new one is one line. */
const shells: Readonly<Record<string, (program: string, places: readonly Place[]) => string>> = { bash, zsh, fish };

/** `completion bash|zsh|fish`: a script made of the commands and options that the program really has. */
export function completionCommand(): Command {
  const names = Object.keys(shells);
  const command = new Command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(names))
    .addHelpText(
      'after',
      '\nTo use it, add to the start-up file of the shell:\n' +
        '  bash (~/.bashrc)   source <(missing-u completion bash)\n' +
        '  zsh (~/.zshrc)     source <(missing-u completion zsh)\n' +
        '  fish               missing-u completion fish > ~/.config/fish/completions/missing-u.fish',
    );
  return command.action((shell: string) => {
    const program = command.parent!;
    process.stdout.write(shells[shell]!(program.name(), placesOf(program)));
  });
}

/** The program and all commands below it. */
function placesOf(command: Command, path: readonly string[] = []): Place[] {
  const { visibleCommands, visibleOptions } = {
    visibleCommands: command.createHelp().visibleCommands(command),
    visibleOptions: command.createHelp().visibleOptions(command),
  };
  const own = { path: path.join(' '), commands: visibleCommands, options: visibleOptions };
  return [own, ...command.commands.flatMap((child) => placesOf(child, [...path, child.name()]))];
}

function wordsOf({ commands, options }: Place): string {
  const flags = options.flatMap(({ short, long }) => [long, short].filter((flag) => flag !== undefined));
  return [...commands.map((command) => command.name()), ...flags].join(' ');
}

/** Lines of a `case` over the path, and over the option that waits for one of its choices. */
function cases(places: readonly Place[], answer: (words: string) => string): string {
  const choices = places.flatMap(({ path, options }) =>
    options
      .filter(({ argChoices }) => argChoices !== undefined)
      .map(({ long, argChoices }) => `    "${path}:${long}") ${answer(argChoices!.join(' '))} ;;`),
  );
  const words = places.map((place) => `    "${place.path}:"*) ${answer(wordsOf(place))} ;;`);
  return [...choices, ...words].join('\n');
}

/** Lines that find the path among the words in `$word`. */
function pathCases(places: readonly Place[]): string {
  const paths = places.slice(1).map(({ path }) => `"${path}"`);
  return `case "$path\${path:+ }$word" in ${paths.join('|')}) path="$path\${path:+ }$word" ;; esac`;
}

function bash(program: string, places: readonly Place[]): string {
  const name = `_${program.replaceAll('-', '_')}`;
  return `${name}() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    ${pathCases(places)}
  done
  case "$path:\${COMP_WORDS[COMP_CWORD-1]}" in
${cases(places, (words) => `words="${words}"`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F ${name} ${program}
`;
}

function zsh(program: string, places: readonly Place[]): string {
  const name = `_${program.replaceAll('-', '_')}`;
  return `#compdef ${program}
${name}() {
  local path_="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    ${pathCases(places).replaceAll('$path', '$path_').replaceAll('${path:', '${path_:').replaceAll('path="', 'path_="')}
  done
  case "$path_:\${words[CURRENT-1]}" in
${cases(places, (words) => `compadd -- ${words}`)}
  esac
  _files
}
compdef ${name} ${program}
`;
}

function fish(program: string, places: readonly Place[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = places.flatMap(({ path, commands, options }) => {
    const seen = path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`);
    const nothing = commands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${commands.map((c) => c.name()).join(' ')}`]; // prettier-ignore
    const here = [...(path === '' ? [] : seen), ...nothing].join('; and ');
    const condition = here === '' ? '' : ` -n ${quote(here)}`;
    return [
      ...commands.map(
        (c) => `complete -c ${program} -f${condition} -a ${c.name()} -d ${quote(c.summary() || c.description())}`,
      ),
      ...options.map(({ short, long, description, required, optional, argChoices }) => {
        const flags = [long && `-l ${long.slice(2)}`, short && `-s ${short.slice(1)}`].filter(Boolean).join(' ');
        const value = argChoices ? ` -x -a ${quote(argChoices.join(' '))}` : required || optional ? ' -r' : '';
        return `complete -c ${program}${condition} ${flags}${value} -d ${quote(description)}`;
      }),
    ];
  });
  return `${lines.join('\n')}\n`;
}
