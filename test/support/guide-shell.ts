import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Bed } from '../../bed/bed.ts';
import type { NodeName } from '../../bed/bed-shape.ts';
import { findEngine } from '../../bed/engine.ts';
import { project } from '../../bed/places.ts';
import { CommandFailed, run } from '../../bed/shell.ts';
import { blocksOf, commandsOf, inlineCode, readDocument } from './documents.ts';
import { eventually } from './eventually.ts';
import { commandsLeft, pathOf, type Story } from './guide-plan.ts';
import { withStandIns } from './stand-ins.ts';

/** Their effects would not be limited to the bed. */
const forMachines = /\b(systemctl|sysctl|sudo|ssh)\b|\/var\/lib|\/etc\//;

const pathOfProgram = async (name: string) => (await run('sh', ['-c', 'command -v "$0"', name])).trim();

interface Place {
  readonly bed: Bed;
  readonly version: string;
  /** Image with third-party programs. */
  readonly clients: string;
}

/** Runs the commands of a guide as written, as on a manager of a bed. Addresses and images are those of the bed. */
export class GuideShell implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'signalbox-guide-'));
  readonly #bed: Bed;
  readonly #version: string;
  /** Commands that worked. */
  readonly #done = new Set<string>();
  /** Runs before each script: variables of a terminal that stays open. */
  #profile = '';
  #entry: NodeName;
  readonly #curl: string;

  static async open(place: Place): Promise<GuideShell> {
    const engine = await findEngine();
    if (!engine) throw new Error('No Docker Engine answers.');
    // Its own name would find the program in the shell's folder again.
    const [cli = '', curl = ''] = await Promise.all([engine.cli, 'curl'].map(pathOfProgram));
    return new GuideShell(place, cli, curl);
  }

  private constructor({ bed, version, clients }: Place, cli: string, curl: string) {
    this.#bed = bed;
    this.#version = version;
    this.#entry = bed.manager.name;
    this.#curl = curl;
    for (const file of ['stack.yml', 'config.toml']) copyFileSync(join(project, file), join(this.#folder, file));
    mkdirSync(join(this.#folder, 'bin'));
    const { DOCKER_HOST = '', DOCKER_TLS_VERIFY = '', DOCKER_CERT_PATH = '' } = process.env;
    const outer = `DOCKER_HOST='${DOCKER_HOST}' DOCKER_TLS_VERIFY='${DOCKER_TLS_VERIFY}' DOCKER_CERT_PATH='${DOCKER_CERT_PATH}' '${cli}'`;
    this.#program('docker', `exec '${cli}' "$@"`);
    // Its dependencies are there.
    this.#program('npm', '[ "$1" = ci ]');
    this.#program('npx', `shift; exec '${process.execPath}' '${join(project, 'bin/signalbox.js')}' "$@"`);
    this.#program('jq', `${outer} exec -i ${bed.manager.containerId} jq "$@"`);
    // Without a terminal to ask for the password.
    this.#program('htpasswd', `echo secret | ${outer} run --rm -i --entrypoint htpasswd ${clients} -i "$@"`);
    this.#writeCurl();
  }

  text(guide: string): string {
    return readDocument(pathOf(guide));
  }

  /** The section's blocks with this language. Sections below it are not part of it. */
  blocks(guide: string, heading: string, language = 'sh'): string[] {
    const blocks = blocksOf(this.text(guide)).filter((block) => block.heading.startsWith(heading));
    expect(blocks, `${guide}, ${heading}`).not.toEqual([]);
    return blocks.flatMap((block) => (block.language === language ? [block.text] : []));
  }

  commands(guide: string, heading: string): string[] {
    return this.blocks(guide, heading).flatMap(commandsOf);
  }

  /** The command in the text of a guide that begins with these words. */
  inline(guide: string, start: string): string {
    const command = inlineCode(this.text(guide)).find((code) => code.startsWith(start));
    if (command === undefined) throw new Error(`${guide} has no command ${start}`);
    return command;
  }

  /** Resolves with the output. `node` is the one whose engine is used; the manager by default. */
  async run(script: string, node = this.#bed.manager): Promise<string> {
    const commands = commandsOf(script);
    if (forMachines.test(commands.join('\n'))) throw new Error(`Not on this machine: ${script}`);
    const env = this.#bed.cliEnv({
      SIGNALBOX_VERSION: this.#version,
      SIGNALBOX_URL: `https://${this.#api}`,
      DOCKER_HOST: node.apiUrl,
      PATH: `${join(this.#folder, 'bin')}:${process.env.PATH}`,
    });
    const text = `${this.#profile}\n${this.#onBed(script)}`;
    const output = await run('sh', ['-ec', text], { cwd: this.#folder, env, timeoutMs: 120_000 });
    this.note(script);
    return output;
  }

  /** Runs a script that must fail, and resolves with its output. */
  async fail(script: string): Promise<string> {
    const error = await this.run(script).then(
      (output) => expect.fail(`${script} did not fail:\n${output}`),
      (error: unknown) => error,
    );
    if (!(error instanceof CommandFailed)) throw error;
    this.note(script);
    return error.output;
  }

  /** Runs a command until its output is as expected. */
  async until(script: string, expected: string | RegExp): Promise<string> {
    return eventually(
      async () => {
        const output = await this.run(script);
        expect(output).toMatch(expected);
        return output;
      },
      { timeoutMs: 150_000, intervalMs: 500 },
    );
  }

  /** Runs commands that set variables, which stay. */
  async keep(script: string): Promise<void> {
    await this.run(script);
    this.#profile += `\n${script}`;
  }

  /** The commands were run elsewhere. */
  note(script: string): void {
    for (const command of commandsOf(script)) this.#done.add(command);
  }

  /** Commands that the plan assigns to this story and that have not worked. */
  left(story: Story): string[] {
    return commandsLeft(story, this.#done);
  }

  /** Saves a file of a guide. In compose files, our images replace those of the guide. */
  save(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), /\.ya?ml$/.test(name) ? withStandIns(text) : text);
  }

  read(name: string): string {
    return readFileSync(join(this.#folder, name), 'utf8');
  }

  /** Sends requests for the published ports to this node. */
  enter(node: NodeName): void {
    this.#entry = node;
    this.#writeCurl();
  }

  #address(port: number, node = this.#entry): string {
    const { host, port: mapped } = this.#bed.node(node).address(port);
    return `${host}:${mapped}`;
  }

  get #api(): string {
    return this.#address(9443, this.#bed.manager.name);
  }

  /** Whatever the name in the URL, requests reach the published ports of a node of the bed. */
  #writeCurl(): void {
    const ports = { 80: 8080, 443: 8443, 8080: 8080, 8443: 8443 };
    const pairs = Object.entries(ports).map(([port, published]) => `:${port}:${this.#address(published)}`);
    pairs.push(`:9443:${this.#api}`);
    this.#program('curl', `exec '${this.#curl}' ${pairs.map((pair) => `--connect-to ${pair}`).join(' ')} "$@"`);
  }

  #onBed(script: string): string {
    return script
      .replaceAll('https://127.0.0.1:9443', `https://${this.#api}`)
      .replaceAll(/docker stack deploy (?=(?:--prune )?-c)/g, 'docker stack deploy --resolve-image never ');
  }

  #program(name: string, script: string): void {
    writeFileSync(join(this.#folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
