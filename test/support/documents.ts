// The documents of the project, as the tests read them.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { project } from '../../bed/places.ts';

export interface Block {
  /** Of a fenced block, such as `sh`. Empty if it has none. */
  readonly language: string;
  readonly text: string;
  readonly line: number;
  /** Of a comment on the line before it, such as `<!-- with the settings above -->`. */
  readonly mark: string;
  /** The heading above it, of any level. */
  readonly heading: string;
}

/** Paths of all documents, relative to the project. */
export const documents = globSync(['*.md', 'docs/**/*.md', 'src/**/README.md', '.github/*.md'], {
  cwd: project,
}).toSorted();

export const readDocument = (path: string): string => readFileSync(join(project, path), 'utf8');

/** Fenced blocks, without their indentation. */
export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/(?:^<!-- (.*) -->\n)?^( *)```(\S*)[^\n]*\n([\s\S]*?)^ *```$/gm)].map(
    ({ 1: mark = '', 2: indent = '', 3: language = '', 4: body = '', index }) => ({
      mark,
      language,
      text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      line: text.slice(0, index).split('\n').length,
      heading: headingBefore(text.slice(0, index)),
    }),
  );
}

const headingBefore = (text: string): string => [...withoutBlocks(text).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '';

const withoutBlocks = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');

export function inlineCode(text: string): string[] {
  return [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
}

/** Commands of a shell script, one per line: continued lines joined, prompts and comments removed. */
export function commandsOf(script: string): string[] {
  return script
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) =>
      line
        .replace(/^\$ /, '')
        .replace(/(^|\s)#.*$/, '')
        .trim(),
    )
    .filter((line) => line !== '');
}

/** Arguments of each call of `signalbox` in a line of a script. */
export function signalboxCalls(line: string): string[][] {
  const calls = line.split(/\|\||&&|[;|]|\$\(/);
  return calls.flatMap((call) => {
    const found = /^[\s(]*(?:[A-Z_]+=\S*\s+)*(?:npx\s+)?signalbox(?:\s+(.*))?$/.exec(call);
    return found ? [(found[1] ?? '').split(/\s+/).filter((word) => word !== '')] : [];
  });
}

/** Problems of the relative links of a document. */
export function brokenLinks(path: string, document = readDocument(path)): string[] {
  const text = withoutBlocks(document).replaceAll(/`[^`\n]*`/g, '');
  const markdown = [...text.matchAll(/\]\(([^()\s]+)\)/g)];
  const images = [...text.matchAll(/\b(?:src|srcset)="([^"]+)"/g)];
  return [...markdown, ...images].flatMap(([, target]) => (isBroken(path, target!) ? [target!] : []));
}

function isBroken(from: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return false;
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? join(project, from) : resolve(project, dirname(from), file);
  if (!existsSync(path)) return true;
  return anchor !== undefined && path.endsWith('.md') && !anchorsOf(readFileSync(path, 'utf8')).has(anchor);
}

/** Anchors of headings, as code hosts name them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...withoutBlocks(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(headings);
}
