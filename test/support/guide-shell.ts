import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bed } from '../../bed/bed.ts';
import { findEngine } from '../../bed/engine.ts';
import { project } from '../../bed/places.ts';
import { run } from '../../bed/shell.ts';
import { blocksOf, readDocument, sectionOf } from './documents.ts';

/** Runs the commands of a guide as written, as on a manager of a bed. Addresses and images are those of the bed. */
export class GuideShell implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'signalbox-guide-'));
  readonly #bed: Bed;
  readonly #version: string;

  static async open(bed: Bed, version: string): Promise<GuideShell> {
    const engine = await findEngine();
    if (!engine) throw new Error('No Docker Engine answers.');
    // Its own name would find the program in the shell's folder again.
    const docker = (await run('sh', ['-c', 'command -v "$0"', engine.cli])).trim();
    return new GuideShell(bed, version, docker);
  }

  private constructor(bed: Bed, version: string, docker: string) {
    this.#bed = bed;
    this.#version = version;
    for (const file of ['stack.yml', 'config.toml']) copyFileSync(join(project, file), join(this.#folder, file));
    mkdirSync(join(this.#folder, 'bin'));
    this.#program('docker', `exec '${docker}' "$@"`);
    // Its dependencies are there.
    this.#program('npm', '[ "$1" = ci ]');
    this.#program('npx', `shift; exec '${process.execPath}' '${join(project, 'bin/signalbox.js')}' "$@"`);
  }

  /** Commands of the section's blocks with this language. */
  blocks(guide: string, heading: string, language = 'sh'): string[] {
    const section = sectionOf(readDocument(`docs/guides/${guide}.md`), heading);
    return blocksOf(section).flatMap((block) => (block.language === language ? [block.text] : []));
  }

  /** Resolves with the output. `node` is the one whose engine is used; the manager by default. */
  async run(script: string, node = this.#bed.manager): Promise<string> {
    const env = this.#bed.cliEnv({
      SIGNALBOX_VERSION: this.#version,
      DOCKER_HOST: node.apiUrl,
      PATH: `${join(this.#folder, 'bin')}:${process.env.PATH}`,
    });
    return run('sh', ['-ec', this.#onBed(script)], { cwd: this.#folder, env, timeoutMs: 120_000 });
  }

  /** Saves a file of a guide. The demo replaces its image. */
  save(name: string, text: string): void {
    const onBed = text.replace('traefik/whoami', 'signalbox/demo').replace('port: "80"', 'port: "8080"');
    writeFileSync(join(this.#folder, name), onBed);
  }

  #onBed(script: string): string {
    return script
      .replaceAll(/127\.0\.0\.1:(8080|8443|9443)\b/g, (_, port: string) => {
        const { host, port: mapped } = this.#bed.manager.address(Number(port));
        return `${host}:${mapped}`;
      })
      .replaceAll('docker stack deploy -c', 'docker stack deploy --resolve-image never -c');
  }

  #program(name: string, script: string): void {
    writeFileSync(join(this.#folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
