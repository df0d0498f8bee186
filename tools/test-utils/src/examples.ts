import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** The TypeScript examples of a Markdown file, in order. */
export function examplesOf(markdown: string | URL): string[] {
  return [...readFileSync(markdown, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
}

/**
 * Runs an example as a reader would; its imports are taken from `modules`, and what it logs is returned, one entry per call.
 * An example that imports anything else, or throws, fails.
 */
export async function runExample(code: string, modules: Readonly<Record<string, object>>): Promise<unknown[][]> {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  const script = ts
    .transpileModule(code, { compilerOptions: options })
    .outputText.replace(/^import \* as (\w+) from '([^']+)';$/gm, "const $1 = take('$2');")
    .replace(/^import \{([^}]*)\} from '([^']+)';$/gm, (_, names: string, from: string) => {
      return `const {${names.replaceAll(' as ', ': ')}} = take('${from}');`;
    });
  const take = (name: string) => {
    if (!Object.hasOwn(modules, name))
      throw new Error(`the example imports '${name}', which the test does not provide`);
    return modules[name];
  };
  const logged: unknown[][] = [];
  const quiet = { ...console, log: (...values: unknown[]) => logged.push(values) };
  const run = new Function('take', 'console', `return (async () => {${script}\n})();`) as (
    take: (name: string) => unknown,
    console: object,
  ) => Promise<void>;
  await run(take, quiet);
  return logged;
}
