import { isDeepStrictEqual } from 'node:util';
import type Docker from 'dockerode';
import type { Logger } from '../../lib/logger.ts';
import { namedSecretPrefix } from '../../model/names.ts';
import { ConflictError } from '../ports.ts';
import { parseAnswer } from './answer.ts';
import { call, callForList, isStatus } from './docker-error.ts';
import { EngineObject } from './schema.ts';

/** A secret that the controller itself requires. */
export interface OwnSecret {
  readonly name: string;
  /** File name in `/run/secrets`. */
  readonly target: string;
  /** Content to create the secret with if it is missing. Without it, the administrator creates the secret; until then it is not attached. */
  readonly create?: () => Promise<string>;
}

/** Attempts while others change the service. */
const ATTEMPTS = 10;

/**
 * The controller's identity and passwords are Docker secrets, and Swarm gives secrets only to new tasks. The controller attaches them to
 * its own service. `docker stack deploy` detaches them, because the stack file cannot name them. A running controller attaches them again
 * immediately, so Swarm replaces its task once, or not at all if nothing else changed (decision 0002).
 */
export async function adoptIdentity(
  docker: Docker,
  serviceId: string,
  wanted: readonly OwnSecret[],
  logger: Logger,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attach(docker, serviceId, wanted, logger);
    } catch (error) {
      // Another controller does the same, or the stack is being deployed.
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function attach(docker: Docker, serviceId: string, wanted: readonly OwnSecret[], logger: Logger): Promise<void> {
  const { Version, Spec } = await inspect(docker, serviceId);
  const own = await references(docker, wanted);
  const attached = Spec.TaskTemplate.ContainerSpec.Secrets ?? [];
  // An administrator's secret at the same target takes precedence. Secrets from previous settings are detached.
  const present = attached.filter(
    ({ SecretName, File }) =>
      !wanted.some(({ name }) => name === SecretName) && !File.Name.startsWith(namedSecretPrefix),
  );
  const missing = own.filter(({ File }) => !present.some((secret) => secret.File.Name === File.Name));
  const next = structuredClone(Spec);
  const container = next.TaskTemplate.ContainerSpec;
  container.Secrets = [...present, ...missing];
  // Stack files cannot set this.
  container.Privileges = { ...container.Privileges, NoNewPrivileges: true };
  const isAttached = isDeepStrictEqual(namesOf(container.Secrets), namesOf(attached));
  if (isAttached && Spec.TaskTemplate.ContainerSpec.Privileges?.NoNewPrivileges) return;
  await call('Attach identity', () => docker.getService(serviceId).update({ version: Version.Index, ...next }));
  const secrets = missing.map(({ SecretName }) => SecretName);
  logger.info({ secrets }, 'Attached secrets to the controller service');
}

/** Does the same for a running controller, if the service has lost required secrets. */
export async function restoreIdentity(
  docker: Docker,
  serviceId: string,
  { required, named }: { readonly required: readonly OwnSecret[]; readonly named: readonly OwnSecret[] },
  logger: Logger,
): Promise<void> {
  const { Spec } = await inspect(docker, serviceId);
  const targets = (Spec.TaskTemplate.ContainerSpec.Secrets ?? []).map(({ File }) => File.Name);
  // Otherwise the next controller decides, because its settings may name other secrets.
  if (required.every(({ target }) => targets.includes(target))) return;
  await adoptIdentity(docker, serviceId, [...required, ...named], logger);
}

interface Attachment {
  readonly SecretID: string;
  readonly SecretName: string;
  readonly File: { readonly Name: string; readonly UID: string; readonly GID: string; readonly Mode: number };
}

interface OwnService {
  readonly Version: { readonly Index: number };
  readonly Spec: {
    readonly TaskTemplate: {
      readonly ContainerSpec: { Secrets?: Attachment[] | null; Privileges?: { NoNewPrivileges?: boolean } };
    };
  };
}

async function inspect(docker: Docker, serviceId: string): Promise<OwnService> {
  return (await call('Inspect own service', () => docker.getService(serviceId).inspect())) as OwnService;
}

/** Compares in any order. */
function namesOf(attachments: readonly Attachment[]): string[] {
  return attachments.map(({ SecretID, File }) => `${SecretID} ${File.Name}`).toSorted();
}

async function references(docker: Docker, wanted: readonly OwnSecret[]): Promise<Attachment[]> {
  const own: Attachment[] = [];
  for (const { name, target, create } of wanted) {
    const found = await findSecret(docker, name);
    const id = found ?? (create && (await createSecret(docker, name, await create())));
    if (id === undefined) continue;
    own.push({ SecretID: id, SecretName: name, File: { Name: target, UID: '0', GID: '0', Mode: 0o400 } });
  }
  return own;
}

/** The subset that exists. */
export async function existingSecrets(docker: Docker, secrets: readonly OwnSecret[]): Promise<OwnSecret[]> {
  const found = await Promise.all(secrets.map(({ name }) => findSecret(docker, name)));
  return secrets.filter((_, index) => found[index] !== undefined);
}

async function findSecret(docker: Docker, name: string): Promise<string | undefined> {
  const filters = { name: [name] };
  const secrets = (await callForList('List secrets', () => docker.listSecrets({ filters }))).map((item) =>
    parseAnswer(EngineObject, item),
  );
  // The filter also matches prefixes.
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
