import { Command as Parser, Option as ParserOption } from 'commander';
import { type Command, flagsOf, type Option, type Options, type Values } from './command.ts';
import { exitCodeMeanings, type Io, paint, UsageError } from './io.ts';

export interface ParserInput {
  readonly commands: readonly Command[];
  readonly release: string;
  readonly io: Io;
  readonly run: (command: Command, values: Values<Options>, positionals: readonly string[]) => Promise<void>;
}

/** Creates the command line parser, which also prints help. It throws instead of ending the process. */
export function createParser({ commands, release, io, run }: ParserInput): Parser {
  const parser = new Parser('signalbox')
    .description('Layer 7 routing for Docker Swarm: checks compose files, and queries and changes a running Signalbox.')
    .usage('<command> [options]')
    .version(release, '--version', 'Print the version.')
    .helpOption('-h, --help', 'Print this help.')
    .helpCommand('help <command>', 'Print the help of a command.')
    .exitOverride()
    .configureOutput({ writeOut: io.out, outputError: () => {}, getOutHasColors: () => io.color })
    .configureHelp({ styleTitle: (title) => paint(io, 'bold', title), subcommandTerm: (command) => command.name() })
    .addHelpText('after', section('Exit codes', exitCodeLines(), io));
  for (const command of commands) addCommand(parser, command, io, run);
  parser.command('version', { hidden: true }).action(() => io.out(`${release}\n`));
  return parser;
}

function addCommand(parser: Parser, command: Command, io: Io, run: ParserInput['run']): void {
  const { name, usage, summary, details, examples } = command;
  const options = Object.entries(command.options).map(([name, option]) => ({
    name,
    parsed: new ParserOption(flagsOf(name, option), option.description).argParser(readerOf(name, option)),
  }));
  const added = parser
    .command(name)
    .summary(summary)
    .description([summary, details].filter((text) => text !== '').join('\n\n'))
    .usage(`${usage} [options]`.trim())
    .allowExcessArguments(usage !== '')
    .addHelpText('after', section('Examples', examples, io))
    .action(async () => {
      const values = options.map(({ name, parsed }) => [name, added.getOptionValue(parsed.attributeName())]);
      await run(command, Object.fromEntries(values), added.args);
    });
  for (const { parsed } of options) added.addOption(parsed);
}

/** Rejects options as values: `commander` would accept `--json` as the value in `--cluster --json`. */
function readerOf(name: string, option: Option) {
  return (value: string, previous?: string | readonly string[]): string | readonly string[] => {
    if (/^-./.test(value)) throw new UsageError(`Missing value: ${flagsOf(name, option)}.`);
    return option.repeatable ? [...(previous ?? []), value] : value;
  };
}

function exitCodeLines(): string[] {
  return Object.entries(exitCodeMeanings).map(([code, meaning]) => `${code}  ${meaning}`);
}

function section(title: string, lines: readonly string[], io: Io): string {
  return ['', paint(io, 'bold', `${title}:`), ...lines.map((line) => `  ${line}`)].join('\n');
}
