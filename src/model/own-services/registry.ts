import { z } from 'zod';

/** Credentials for one registry, in the format of the Engine's `X-Registry-Auth`. */
export interface RegistryCredentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly identitytoken?: string | undefined;
  readonly serveraddress: string;
}

/** Chooses the credentials for an image; undefined if there are none for its registry. */
export type CredentialsFor = (image: string) => RegistryCredentials | undefined;

const Entry = z.object({
  /** Base64 of `user:password`. */
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const DockerConfig = z.object({ auths: z.record(z.string(), Entry) });

/** Docker Hub's key in `config.json`. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/** Reads a `config.json` as `docker login` writes it; undefined if the text is something else. */
export function readRegistries(text: string): CredentialsFor | undefined {
  const config = DockerConfig.safeParse(parseJson(text)).data;
  if (config === undefined) return undefined;
  const entries = new Map(Object.entries(config.auths).map(([address, entry]) => [registryIn(address), entry]));
  return (image) => {
    const address = registryOf(image);
    const entry = entries.get(address);
    if (entry === undefined) return undefined;
    const serveraddress = address === '' ? DOCKER_HUB : address;
    const { identitytoken } = entry;
    // Docker ignores the password if there is a token.
    if (identitytoken) return { identitytoken, serveraddress };
    return { ...credentialsIn(entry), serveraddress };
  };
}

function credentialsIn({ auth, username, password }: z.infer<typeof Entry>) {
  if (auth === undefined) return { username, password };
  const [name, ...rest] = atob(auth).split(':');
  return { username: name, password: rest.join(':').replace(/\0+$/, '') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Host and port in the key of an entry, which may be a URL; '' for Docker Hub. */
function registryIn(address: string): string {
  const host = address.replace(/^https?:\/\//, '').split('/')[0]!;
  return isHub(host) ? '' : host;
}

/** Docker takes the first part of a name for a registry if it looks like a host; '' for Docker Hub. */
function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return !isHost || isHub(first) ? '' : first;
}

function isHub(host: string): boolean {
  return ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'].includes(host);
}
