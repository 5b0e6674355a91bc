// node slim.js <root> --name <image> [--program <name>]... [--path <path>]... [--modules <lockfile>] [--bundled
// <package>]...
// Copies programs and paths, with the libraries they load, to an empty root. The resulting image has no shell, package
// manager or suid files, except those that are named. Writes a bill of materials (CycloneDX) of its contents.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const list = { type: 'string', multiple: true, default: [] };
const { values: asked, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string' }, program: list, path: list, modules: { type: 'string' }, bundled: list },
});
const [root] = positionals;
const bom = '/usr/share/sbom/image.cdx.json';
/** Files of the image's root, by their real paths. */
const copied = new Set();

function run(command, ...args) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** With its parent folders, the links on the way to it, and the target that it links to. */
function copy(path) {
  const place = join(realpathSync(dirname(path)), basename(path));
  if (copied.has(place) || place.startsWith('/dev/')) return;
  const stat = lstatSync(place);
  if (stat.isDirectory()) return copyFolder(place, stat);
  copyFile(place);
  const target = resolve(dirname(place), stat.isSymbolicLink() ? readlinkSync(place) : place);
  if (target !== place) {
    if (existsSync(target)) copy(target);
  } else if (isElf(place)) {
    for (const library of librariesOf(place)) copy(library);
  }
}

function copyFolder(place, { uid, gid, mode }) {
  mkdirSync(join(root, place), { recursive: true });
  chownSync(join(root, place), uid, gid);
  chmodSync(join(root, place), mode);
  for (const name of readdirSync(place)) copy(join(place, name));
}

/** A link counts although its target is copied later. */
function isThere(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function copyFile(place) {
  copied.add(place);
  run('cp', '--archive', '--parents', place, root);
}

function isElf(path) {
  return readFileSync(path).toString('latin1', 0, 4) === '\x7fELF';
}

function librariesOf(path) {
  const text = run('ldd', path);
  if (text.includes('not found')) throw new Error(`A library is missing:\n${text}`);
  return [...text.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, library]) => library);
}

function find(program) {
  for (const folder of process.env.PATH.split(':')) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next one.
    }
  }
  throw new Error(`Program ${program} not found`);
}

/** Debian keeps these as links since its folders were merged (usrmerge). */
function copyTopLevelLinks() {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    if (lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink()) run('cp', '--archive', `/${name}`, root);
  }
}

/** Only users that run a program: files of other users were not copied. */
function writeUsers() {
  for (const path of ['/etc/passwd', '/etc/group']) {
    const lines = readFileSync(path, 'utf8').split('\n');
    const kept = lines.filter((line) => /^(root|nobody|nogroup|nginx|node):/.test(line));
    const text = kept.map((line) => line.replace(/:[^:]*sh$/, ':/usr/sbin/nologin')).join('\n');
    writeFileSync(join(root, path), `${text}\n`);
  }
}

function makeFolders() {
  for (const [path, mode] of [
    ['/tmp', 0o1777],
    ['/run', 0o755],
    ['/var/tmp', 0o1777],
  ]) {
    mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, path), mode);
  }
}

/** Debian packages that own copied files, by file. Their lists name some files by the links of merged folders. */
function ownersOf(files) {
  const byListed = new Map(
    files.flatMap((file) => [file, file.replace(/^\/usr\/(bin|sbin|lib|lib64)\//, '/$1/')].map((name) => [name, file])),
  );
  const { stdout } = spawnSync('dpkg-query', ['--search', ...byListed.keys()], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const found = [...stdout.matchAll(/^([a-z0-9][a-z0-9+.-]*)(?::\w+)?(?:, .*)?: (\/.*)$/gm)];
  return new Map(found.map(([, name, listed]) => [byListed.get(listed), name]));
}

function describe(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders.
  const format = '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n';
  const [line] = run('dpkg-query', '--show', `--showformat=${format}`, name).split('\n');
  const [, version, architecture, source, sourceVersion] = line.split('\t');
  return { name, version, architecture, source, sourceVersion };
}

function osRelease(key) {
  return new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
}

function debianComponent({ name, version, architecture, source, sourceVersion }) {
  const distribution = `debian-${osRelease('VERSION_ID') || osRelease('VERSION_CODENAME')}`;
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}&distro=${distribution}`;
  const properties = [{ name: 'signalbox:source', value: `${source}@${sourceVersion}` }];
  return { type: 'library', 'bom-ref': purl, name, version, purl, properties };
}

function npmComponent(name, { version, license, integrity }) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const [algorithm, value] = (integrity ?? '').split('-', 2);
  const content = value && Buffer.from(value, 'base64').toString('hex');
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(license
      ? { licenses: [/ (OR|AND|WITH) /.test(license) ? { expression: license } : { license: { id: license } }] }
      : {}),
    ...(content && algorithm === 'sha512' ? { hashes: [{ alg: 'SHA-512', content }] } : {}),
  };
}

function nodeComponent() {
  const version = process.version.slice(1);
  const purl = `pkg:generic/node@${version}`;
  return { type: 'platform', 'bom-ref': purl, name: 'node', version, purl, licenses: [{ license: { id: 'MIT' } }] };
}

/** Installed packages, by the lockfile that npm writes beside them, and packages of which an image has a copy without its lockfile. */
function npmComponents() {
  const { packages } = asked.modules ? JSON.parse(readFileSync(asked.modules, 'utf8')) : { packages: {} };
  const nameOf = (place) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const installed = Object.entries(packages).filter(([place]) => place !== '');
  const bundled = asked.bundled.map((name) => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
    return npmComponent(name, packages[`node_modules/${name}`]);
  });
  return [...installed.map(([place, entry]) => npmComponent(nameOf(place), entry)), ...bundled];
}

/** Where scanners look for packages in images without a package manager. */
function writeStatus(names) {
  const folder = join(root, '/var/lib/dpkg/status.d');
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), run('dpkg-query', '--status', name));
}

function copyLicenses(names) {
  for (const name of names) {
    const path = `/usr/share/doc/${name}/copyright`;
    if (existsSync(path)) copy(path);
  }
}

function writeBom(packages) {
  const components = [nodeComponent(), ...packages.map(describe).map(debianComponent), ...npmComponents()];
  const unique = [...new Map(components.map((component) => [component['bom-ref'], component])).values()];
  const { version } = existsSync('package.json') ? JSON.parse(readFileSync('package.json', 'utf8')) : {};
  const metadata = { component: { type: 'container', name: asked.name, ...(version ? { version } : {}) } };
  const sorted = unique.toSorted((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  const text = { bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, metadata, components: sorted };
  mkdirSync(join(root, dirname(bom)), { recursive: true });
  writeFileSync(join(root, bom), `${JSON.stringify(text, null, 2)}\n`);
}

mkdirSync(root, { recursive: true });
copyTopLevelLinks();
for (const program of asked.program) copy(find(program));
for (const path of ['/etc/nsswitch.conf', '/etc/os-release', ...asked.path]) if (isThere(path)) copy(path);
// Node itself is in a layer that all images share. Its libraries come from here.
for (const library of librariesOf(process.execPath)) copy(library);
makeFolders();
writeUsers();
const files = [...copied].filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
const owners = ownersOf(files);
const orphan = files.find((path) => isElf(path) && !owners.has(path));
if (orphan) throw new Error(`${orphan} belongs to no package`);
const packages = [...new Set(owners.values())].toSorted();
copyLicenses(packages);
writeStatus(packages);
writeBom(packages);
