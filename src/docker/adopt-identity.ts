import { isDeepStrictEqual } from 'node:util';
import type Docker from 'dockerode';
import type { Logger } from '../lib/logger.ts';
import { namedSecretPrefix } from '../model/names.ts';
import { ConflictError } from '../reconcile/ports.ts';
import { call, callForList, isStatus } from './docker-error.ts';
import { EngineObject } from './schema.ts';

/** A secret that the controller needs for itself. */
export interface OwnSecret {
  readonly name: string;
  /** Name of its file in `/run/secrets`. */
  readonly target: string;
  /** Content of a new one, if the swarm has no such secret. Without it, the secret is the administrator's to create and left out until then. */
  readonly create?: () => Promise<string>;
}

/** How often somebody may change the service in between. */
const ATTEMPTS = 10;

/**
 * The controller's identity and passwords are Docker secrets, and Swarm gives secrets only to new tasks: the controller attaches them to its
 * own service. `docker stack deploy` removes them, since the stack file cannot name them: a controller that runs attaches them again at once,
 * so that Swarm replaces it by one task that has them, or not at all if nothing else changed (decision 0002).
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
      // Another controller does the same, or the stack is deployed at this moment.
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function attach(docker: Docker, serviceId: string, wanted: readonly OwnSecret[], logger: Logger): Promise<void> {
  const { Version, Spec } = await inspect(docker, serviceId);
  const own = await references(docker, wanted);
  const attached = Spec.TaskTemplate.ContainerSpec.Secrets ?? [];
  // A secret of the administrator's at the same target takes precedence. Secrets that former settings named are detached.
  const present = attached.filter(
    ({ SecretName, File }) =>
      !wanted.some(({ name }) => name === SecretName) && !File.Name.startsWith(namedSecretPrefix),
  );
  const missing = own.filter(({ File }) => !present.some((secret) => secret.File.Name === File.Name));
  const next = structuredClone(Spec);
  const container = next.TaskTemplate.ContainerSpec;
  container.Secrets = [...present, ...missing];
  // Compose files of stacks cannot say this.
  container.Privileges = { ...container.Privileges, NoNewPrivileges: true };
  const isAttached = isDeepStrictEqual(namesOf(container.Secrets), namesOf(attached));
  if (isAttached && Spec.TaskTemplate.ContainerSpec.Privileges?.NoNewPrivileges) return;
  await call('Attach identity', () => docker.getService(serviceId).update({ version: Version.Index, ...next }));
  const secrets = missing.map(({ SecretName }) => SecretName);
  logger.info({ secrets }, 'Attached secrets to own service');
}

/** Does the same for a controller that runs, if the service has lost secrets that it cannot work without. */
export async function restoreIdentity(
  docker: Docker,
  serviceId: string,
  { required, named }: { readonly required: readonly OwnSecret[]; readonly named: readonly OwnSecret[] },
  logger: Logger,
): Promise<void> {
  const { Spec } = await inspect(docker, serviceId);
  const targets = (Spec.TaskTemplate.ContainerSpec.Secrets ?? []).map(({ File }) => File.Name);
  // Otherwise its successor decides, which may have other settings that name other secrets.
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

/** In any order. */
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

/** Those of them that exist. */
export async function existingSecrets(docker: Docker, secrets: readonly OwnSecret[]): Promise<OwnSecret[]> {
  const found = await Promise.all(secrets.map(({ name }) => findSecret(docker, name)));
  return secrets.filter((_, index) => found[index] !== undefined);
}

async function findSecret(docker: Docker, name: string): Promise<string | undefined> {
  const filters = { name: [name] };
  const secrets = (await callForList('List secrets', () => docker.listSecrets({ filters }))).map((item) =>
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
