import type Docker from 'dockerode';

const PARALLEL = 16;

/** Processes a list, several items at a time. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

export interface LabeledService {
  readonly name: string;
  readonly image: string;
  /** Id of the network over which the proxies reach it. */
  readonly networkId: string;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** As many services as a large swarm has. Without tasks they cost the swarm almost nothing. */
export async function createServices(docker: Docker, services: readonly LabeledService[]): Promise<void> {
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

/** Changes labels only, and restarts no task. */
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
