import type Docker from 'dockerode';
import type { Logger } from '../lib/logger.ts';
import { call, isStatus } from './docker-error.ts';
import { EngineObject } from './schema.ts';

/** A secret that the controller needs for itself. */
export interface OwnSecret {
  readonly name: string;
  /** Name of its file in `/run/secrets`. */
  readonly target: string;
  /** Makes the content where the swarm has no such secret yet. */
  readonly create: () => Promise<string>;
}

/**
 * The controller's identity and passwords are Docker secrets, and Swarm gives secrets only to new tasks: so the controller attaches them to its
 * own service, and is replaced by a task that has them. That happens at the first start, and again when a redeploy of the stack took them off.
 */
export async function adoptIdentity(
  docker: Docker,
  serviceId: string,
  wanted: readonly OwnSecret[],
  logger: Logger,
): Promise<void> {
  const own = [];
  for (const { name, target, create } of wanted) {
    const id = (await findSecret(docker, name)) ?? (await createSecret(docker, name, await create()));
    own.push({ SecretID: id, SecretName: name, File: { Name: target, UID: '0', GID: '0', Mode: 0o400 } });
  }
  const service = await call('Inspect own service', () => docker.getService(serviceId).inspect());
  const spec = structuredClone(service.Spec);
  const container = spec.TaskTemplate.ContainerSpec;
  // One of the administrator's own, at the same place, goes before ours.
  const present = ((container.Secrets ?? []) as typeof own).filter(
    ({ SecretName }) => !wanted.some(({ name }) => name === SecretName),
  );
  const missing = own.filter(({ File }) => !present.some((secret) => secret.File.Name === File.Name));
  container.Secrets = [...present, ...missing];
  await call('Attach identity', () => docker.getService(serviceId).update({ version: service.Version.Index, ...spec }));
  const secrets = missing.map(({ SecretName }) => SecretName);
  logger.info({ secrets }, 'Attached secrets to own service, making way for a task that has them');
}

async function findSecret(docker: Docker, name: string): Promise<string | undefined> {
  const filters = { name: [name] };
  const secrets = (await call('List secrets', () => docker.listSecrets({ filters }))).map((item) =>
    EngineObject.parse(item),
  );
  // The filter takes prefixes as well.
  return secrets.find(({ Spec }) => Spec.Name === name)?.ID;
}

async function createSecret(docker: Docker, name: string, data: string): Promise<string> {
  const body = { Name: name, Labels: {}, Data: Buffer.from(data).toString('base64') };
  try {
    const created = (await call('Create own secret', () => docker.createSecret(body as never))) as {
      id?: string;
      ID?: string;
    };
    return created.id ?? created.ID ?? '';
  } catch (error) {
    const existing = isStatus(error, 409) ? await findSecret(docker, name) : undefined;
    if (existing === undefined) throw error;
    return existing;
  }
}
