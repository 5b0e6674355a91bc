import type Docker from 'dockerode';

const PARALLEL = 16;

/** Works through a list, several at a time. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

export interface LabelledService {
  readonly name: string;
  readonly image: string;
  /** Id of the network that the proxies reach it over. */
  readonly networkId: string;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Services in the numbers of a large swarm: without tasks they cost it hardly anything. */
export async function createServices(docker: Docker, services: readonly LabelledService[]): Promise<void> {
  await inParallel(services, ({ name, image, networkId, replicas, labels }) =>
    docker.createService({
      Name: name,
      Labels: labels,
      Mode: { Replicated: { Replicas: replicas } },
      TaskTemplate: { ContainerSpec: { Image: image }, Networks: [{ Target: networkId }] },
      EndpointSpec: { Mode: 'dnsrr' },
    }),
  );
}

/** Changes labels, and nothing else: restarts no task. */
export async function changeLabels(
  docker: Docker,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const { Version, Spec } = await docker.getService(name).inspect();
  await docker.getService(name).update({ version: Version.Index, ...Spec, Labels: { ...Spec.Labels, ...labels } });
}

export async function removeServices(docker: Docker, names: readonly string[]): Promise<void> {
  await inParallel(names, (name) => docker.getService(name).remove());
}
