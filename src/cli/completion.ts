import { type Command, defineCommand, type Options } from './command.ts';
import { exitCodes, UsageError, writeJson } from './io.ts';

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** Creates the command that prints the completion script for these commands and itself. */
export function completionOf(others: readonly Command[]): Command {
  const completion = defineCommand({
    name: 'completion',
    usage: '<bash|zsh|fish>',
    words: Object.keys(shells),
    summary: 'Print a script that completes commands and options in your shell.',
    details: 'Load it where your shell starts, or save it among the completions of your shell.',
    examples: [
      "echo 'source <(signalbox completion bash)' >>~/.bashrc",
      "echo 'source <(signalbox completion zsh)' >>~/.zshrc",
      'signalbox completion fish >~/.config/fish/completions/signalbox.fish',
    ],
    options: {},
    async run(values, [shell = ''], io) {
      if (!isShell(shell)) throw new UsageError(`Invalid or missing shell. Use ${Object.keys(shells).join(', ')}.`);
      const script = shells[shell]([...others, completion]);
      if (values.json) writeJson(io, { shell, script });
      else io.out(script);
      return exitCodes.done;
    },
  });
  return completion;
}

function isShell(name: string): name is keyof typeof shells {
  return Object.hasOwn(shells, name);
}

const helpOption: Options = { help: { type: 'boolean', description: 'Print this help.' } };

function bashScript(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const cases = commands.map(({ name, words = [], options }) => {
    const flags = Object.keys({ ...options, ...helpOption }).map((option) => `--${option}`);
    return `    ${name}) words='${words.join(' ')}' options='${flags.join(' ')}' ;;`;
  });
  return `_signalbox() {
  local words= options= word=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -gt 1 ]; then case \${COMP_WORDS[1]} in
    help) words='${names}' ;;
${cases.join('\n')}
  esac; else words='help ${names}'; fi
  [ "$COMP_CWORD" -gt 2 ] && words=
  case $word in -*) words=$options ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _signalbox signalbox
`;
}

function zshScript(commands: readonly Command[]): string {
  const listed = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(':', '\\:')}`)}`);
  const cases = commands.map(({ name, words, options }) => {
    const specs = Object.entries({ ...options, ...helpOption }).map(
      ([option, { type, value, repeatable, description }]) =>
        quote(
          `${repeatable ? '*' : ''}--${option}[${escapeSpec(description)}]${type === 'boolean' ? '' : `:${escapeSpec(value ?? '')}:_files`}`,
        ),
    );
    const first = words === undefined ? [] : [quote(`1:argument:(${words.join(' ')})`)];
    return `    ${name}) _arguments ${[...specs, ...first, quote('*:file:_files')].join(' ')} ;;`;
  });
  return `#compdef signalbox
_signalbox() {
  local -a commands=(
    'help:Print the help of a command.'
${listed.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  shift words; (( CURRENT-- ))
  case $words[1] in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
compdef _signalbox signalbox
`;
}

function escapeSpec(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, '\\$&');
}

function fishScript(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ name, summary, words, options }) => [
    `complete -c signalbox -n __fish_use_subcommand -f -a ${name} -d ${quoteFish(summary)}`,
    ...Object.entries({ ...options, ...helpOption }).map(
      ([option, { type, description }]) =>
        `${ofCommand(name)} -l ${option}${type === 'boolean' ? '' : ' -r'} -d ${quoteFish(description)}`,
    ),
    ...(words === undefined ? [] : [`${ofCommand(name)} -a '${words.join(' ')}'`]),
  ]);
  const names = commands.map(({ name }) => name).join(' ');
  return [...lines, `${ofCommand('help')} -f -a '${names}'`, ''].join('\n');
}

function ofCommand(name: string): string {
  return `complete -c signalbox -n '__fish_seen_subcommand_from ${name}'`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Fish interprets backslashes within single quotes. */
function quoteFish(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
