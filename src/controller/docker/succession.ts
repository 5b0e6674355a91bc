import type Docker from 'dockerode';
import { z } from 'zod';
import { type ControllerTask, standing } from '../../model/own-services/succession.ts';
import { parseAnswer } from './answer.ts';
import { callForList } from './docker-error.ts';

const EngineControllerTask = z.object({
  ID: z.string(),
  CreatedAt: z.string(),
  Status: z.object({ State: z.string() }),
  Spec: z.object({
    ContainerSpec: z.object({
      Image: z.string(),
      Command: z.array(z.string()).nullish(),
      Args: z.array(z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
      Configs: z.array(z.object({ ConfigID: z.string() })).nullish(),
    }),
  }),
});

/** Watches the tasks of the controller's service while it is being updated. At other times it makes no calls. */
export class Succession {
  readonly #docker: Docker;
  readonly #serviceId: string;
  readonly #taskId: string;
  #isAlone = false;

  /** Without a task ID, as with older stack files, the controller always decides. */
  constructor(docker: Docker, serviceId: string, taskId: string) {
    this.#docker = docker;
    this.#serviceId = serviceId;
    this.#taskId = taskId;
  }

  /** The controller's service has changed. */
  note(): void {
    this.#isAlone = false;
  }

  async decides(): Promise<boolean> {
    if (this.#isAlone || this.#taskId === '') return true;
    // A change during the check requires another check.
    this.#isAlone = true;
    const found = await this.#look().catch((error) => {
      this.#isAlone = false;
      throw error;
    });
    if (found !== 'alone') this.#isAlone = false;
    return found !== 'waits';
  }

  async #look() {
    const filters = JSON.stringify({ service: [this.#serviceId], 'desired-state': ['running'] });
    const tasks = await callForList('List tasks', () => this.#docker.listTasks({ filters }));
    return standing(tasks.map(toControllerTask), this.#taskId);
  }
}

function toControllerTask(answer: unknown): ControllerTask {
  const { ID, CreatedAt, Status, Spec } = parseAnswer(EngineControllerTask, answer);
  const { Image, Command, Args, Env, Configs } = Spec.ContainerSpec;
  const basis = JSON.stringify([
    Image,
    Command ?? [],
    Args ?? [],
    Env ?? [],
    Configs?.map(({ ConfigID }) => ConfigID) ?? [],
  ]);
  return { id: ID, createdAt: CreatedAt, isRunning: Status.State === 'running', basis };
}
