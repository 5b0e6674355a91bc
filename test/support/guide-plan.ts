// Which story runs each shell block of README and the guides, or why none does.
import { globSync } from 'node:fs';
import { project } from '../../bed/places.ts';
import { blocksOf, commandsOf, readDocument } from './documents.ts';

/** Name of a test file in `test/swarm`. */
export type Story = 'guides' | 'guides-use' | 'guides-settings';

type Reasons = Readonly<Record<string, string>>;

export interface PlannedBlock {
  readonly heading: string;
  readonly story?: Story;
  /** Why no story runs it. */
  readonly reason?: string;
  /** Commands of the block that the story does not run. */
  readonly except?: Reasons;
}

const runs =
  (story: Story) =>
  (heading: string, except: Reasons = {}): PlannedBlock => ({ heading, story, except });
const skips = (heading: string, reason: string): PlannedBlock => ({ heading, reason });

const cycle = runs('guides');
const use = runs('guides-use');
const settings = runs('guides-settings');

const built = 'The bed builds the images from the same files.';
const registry = 'There is no registry to sign in to. registry.test.ts deploys from a registry.';
const release = 'There is no other release. npm run upgrade tests an upgrade and the way back.';
const acme = 'It needs a domain and a public CA. acme.test.ts orders certificates from a CA of its own.';
const noClient = 'The client is not installed. The story connects to the service itself.';
const restore = 'A swarm that is lost could not serve the stories that follow. restore.test.ts restores a backup.';
const images = 'The images are in a registry. monitoring.test.ts deploys the stack with the Prometheus of Debian.';
const kernel = 'It changes the kernel of the machine that runs the tests.';

const guide = (name: string): string => `docs/guides/${name}.md`;

/** In the order of the blocks. */
export const plan: Readonly<Record<string, readonly PlannedBlock[]>> = {
  'README.md': [
    skips('Try it', 'It starts the bed and the tests.'),
    cycle('Install', {
      'docker build -f Dockerfile.controller -t signalbox/controller:0.1.0 .': built,
      'docker build -f Dockerfile.extension -t signalbox/extension:0.1.0 .': built,
      'docker build -f Dockerfile.proxy -t signalbox/proxy:0.1.0 .': built,
    }),
    use('First route'),
    use('Command line'),
  ],
  [guide('acme')]: [
    skips('1. Describe the issuer', built),
    skips('3. Check', acme),
    skips('3. Check', acme),
    skips('3. Check', acme),
    skips('Wildcards and DNS', acme),
    use('Without a public CA'),
  ],
  [guide('authentication')]: [use('Passwords: `basic_auth`')],
  [guide('backup')]: [use('Back up'), skips('Restore', restore), use('Restore')],
  [guide('client-addresses')]: [
    settings("See the clients' addresses"),
    skips('IPv6', 'The nodes of the bed have joined the swarm already, without IPv6.'),
    skips('Cloudflare', 'The tests do not use the internet.'),
  ],
  [guide('editors')]: [
    use('Complete labels in compose files'),
    use('Complete settings in `config.toml`'),
    use('Check in other pipelines'),
  ],
  [guide('first-route')]: [
    cycle('2. Check it'),
    cycle('3. Deploy it'),
    cycle('4. Change it'),
    cycle('5. If it does not answer'),
  ],
  [guide('from-interlock')]: [
    skips('1. Check your files', 'It needs UCP or MKE.'),
    use('1. Check your files'),
    skips('4. Switch over', 'install.md has the same deployment, and the settings of UCP are tested without a swarm.'),
    use('4. Switch over'),
  ],
  [guide('from-traefik')]: [use('Convert the files'), use('An example')],
  [guide('high-availability')]: [
    settings('1. Run a controller on every manager'),
    settings('1. Run a controller on every manager'),
    settings('2. Spread the proxies'),
    settings('2. Spread the proxies'),
    skips('5. Size it', kernel),
  ],
  [guide('install')]: [
    skips('Install a release', 'There is no release yet.'),
    skips('1. Build the images', built),
    skips('1. Build the images', built),
    skips('2. Bring the images to the nodes', 'The nodes of the bed have no SSH. The bed loads the images itself.'),
    skips('With a registry', registry),
    skips('With a registry', registry),
    skips('With a registry', registry),
    skips('With a registry', registry),
    cycle('3. Deploy'),
    cycle('4. Check'),
    cycle('5. Sign in'),
    cycle('5. Sign in'),
    settings('Change settings'),
  ],
  [guide('monitoring')]: [
    use('1. Create a token and a password'),
    use('1. Create a token and a password'),
    skips('2. Deploy Prometheus and Grafana', images),
    skips('Alerts', 'promtool is not installed. alerts.test.ts runs it in a container.'),
    skips('Webhooks', 'It needs a receiver. webhook.test.ts starts one.'),
    use('Logs'),
  ],
  [guide('policies')]: [
    settings('1. Write the settings'),
    settings('2. Check the settings'),
    settings('2. Check the settings'),
    settings('3. Use the policies'),
    settings('4. See where a value comes from'),
  ],
  [guide('tcp-udp')]: [
    settings('2. PostgreSQL', { "psql -h worker1 -U postgres -c 'select version()'": noClient }),
    skips('3. Several databases on one port, by name', noClient),
    skips('4. Redis over TLS', noClient),
    skips('5. DNS', noClient),
  ],
  [guide('tls')]: [
    use('1. Create the secrets'),
    use('1. Create the secrets'),
    use('3. Check and deploy'),
    use('4. See it work'),
    use('5. Renew the certificate'),
  ],
  [guide('troubleshooting')]: [use('Troubleshooting'), use('Report a bug')],
  [guide('uninstall')]: [
    cycle('1. Turn routing off'),
    cycle('2. Remove the stack'),
    cycle('3. Remove what the controller stored'),
    cycle('4. Clean the nodes', {
      "docker image ls --format '{{.Repository}}:{{.Tag}}' | grep '^signalbox/' | xargs -r docker image rm":
        'The tests that follow need the images.',
    }),
    skips('If you removed the stack first', 'It needs one more installation.'),
  ],
  [guide('upgrade')]: [
    skips('2. Deploy', release),
    skips('2. Deploy', release),
    skips('2. Deploy', release),
    use('3. Check'),
    skips('Roll back to the previous release', release),
    use('Upgrade Docker Engine'),
  ],
};

/** README and the guides. */
export const plannedDocuments: readonly string[] = [
  'README.md',
  ...globSync('docs/guides/*.md', { cwd: project }).toSorted(),
];

/** Path of a document, which guides shorten to their name. */
export const pathOf = (name: string): string => (name.endsWith('.md') ? name : guide(name));

const shells = ['sh', 'bash', 'console'];
const shellBlocks = (text: string) => blocksOf(text).filter(({ language }) => shells.includes(language));

/** What is wrong with the plan of a document. */
export function faultsOfPlan(text: string, planned: readonly PlannedBlock[] = []): string[] {
  const blocks = shellBlocks(text);
  const faults = blocks.flatMap(({ heading, line, text }, position) => {
    const block = planned[position];
    if (block?.heading !== heading)
      return [`line ${line}: no story runs the block below "${heading}", and no reason is given`];
    const commands = commandsOf(text);
    return Object.keys(block.except ?? {})
      .filter((command) => !commands.includes(command))
      .map((command) => `line ${line}: there is no command ${command}`);
  });
  return [
    ...faults,
    ...planned.slice(blocks.length).map(({ heading }) => `there is no other block below "${heading}"`),
  ];
}

/** Commands that a story has to run and that are not among these. */
export function commandsLeft(story: Story, done: ReadonlySet<string>): string[] {
  return plannedDocuments.flatMap((path) =>
    shellBlocks(readDocument(path)).flatMap(({ text }, position) => {
      const block = plan[path]?.[position];
      if (block?.story !== story) return [];
      return commandsOf(text)
        .filter((command) => block.except?.[command] === undefined && !done.has(command))
        .map((command) => `${path}: ${command}`);
    }),
  );
}
