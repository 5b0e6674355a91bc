/** A step failed for a known reason. Says why, and how to fix it. */
export class StepFailed extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StepFailed';
    this.remedy = remedy;
  }
}

export interface Progress {
  /** The current activity. */
  note(text: string): void;
  /** The result, printed on the step's line. */
  done(text: string): void;
}

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const erase = process.stdout.isTTY ? '\r\u001b[2K' : '';

/** Runs a step and prints its line: `✔ engine    found 28.5 (0.1 s)`. */
export async function step<T>(name: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const started = performance.now();
  const title = name.padEnd(8);
  let outcome = '';
  const progress: Progress = {
    note: (text) => process.stdout.write(`${erase}… ${title}  ${text}${erase ? '' : '\n'}`),
    done: (text) => {
      outcome = text;
    },
  };
  try {
    const value = await work(progress);
    console.log(`${erase}✔ ${title}  ${outcome}${outcome ? ' ' : ''}(${seconds(started)})`);
    return value;
  } catch (error) {
    console.log(`${erase}✘ ${title}  failed after ${seconds(started)}`);
    throw error;
  }
}

/** Runs a command of the bed. A failure is explained instead of thrown. */
export async function runCommand(main: () => Promise<number | undefined>): Promise<void> {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    console.error(`\n${error instanceof StepFailed ? error.message : error instanceof Error ? error.stack : error}`);
    if (error instanceof StepFailed) console.error(`\nWhat to do: ${error.remedy}`);
    process.exitCode = 1;
  }
}
