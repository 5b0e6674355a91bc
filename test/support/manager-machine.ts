import type { Bed } from '../../bed/bed.ts';
import type { BedNode } from '../../bed/bed-node.ts';
import { findEngine } from '../../bed/engine.ts';
import { ownerFlags } from '../../bed/owner.ts';
import { bedLabel } from '../../bed/places.ts';
import { run } from '../../bed/shell.ts';

/**
 * Runs commands on the machine of the manager, also while its engine is stopped. On the bed, the engine is a container,
 * so a second one has its disk.
 */
export class ManagerMachine implements AsyncDisposable {
  readonly #manager: BedNode;
  readonly #cli: string;
  readonly #disk: string;

  static async open({ name, manager }: Bed): Promise<ManagerMachine> {
    const engine = await findEngine();
    if (!engine) throw new Error('No Docker Engine answers.');
    const { Config } = await engine.docker.getContainer(manager.containerId).inspect();
    const flags = ['--detach', '--label', `${bedLabel}=${name}`, ...ownerFlags(), '--workdir', '/root'];
    const disk = ['--volumes-from', manager.containerId, '--entrypoint', 'sleep', Config.Image, 'infinity'];
    return new ManagerMachine(manager, engine.cli, (await run(engine.cli, ['run', ...flags, ...disk])).trim());
  }

  private constructor(manager: BedNode, cli: string, disk: string) {
    this.#manager = manager;
    this.#cli = cli;
    this.#disk = disk;
  }

  async run(command: string): Promise<void> {
    if (command === 'systemctl stop docker') await this.#manager.stop();
    else if (command === 'systemctl start docker') await this.#manager.start();
    else await run(this.#cli, ['exec', this.#disk, 'sh', '-ec', command]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(this.#cli, ['rm', '--force', this.#disk]);
    await this.#manager.start();
  }
}
