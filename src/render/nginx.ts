import Handlebars from 'handlebars';
import { memoizeLast } from '../lib/memo.ts';
import { usesNameRelay } from '../model/dns/name-case.ts';
import { MAIN_FILE } from '../model/proxy-places.ts';
import type { RenderInput } from '../model/render-input.ts';
import { createRouteTableBuilder } from '../model/route-table.ts';
import { buildStreamTable } from '../model/streams/stream-table.ts';
import { VERSION_MARK, versionDigest } from '../model/version-digest.ts';
import { Blocks } from './blocks.ts';
import { FileDivider, type RenderedFile } from './files.ts';
import {
  quote,
  quoteBefore,
  quoteHost,
  quoteLiteral,
  quoteName,
  quotePart,
  quotePath,
  quotePathExpression,
  quoteText,
} from './quote.ts';
import { createViews } from './views/cached.ts';
import { type Common, commonOf } from './views/common.ts';
import { toView } from './views/configuration.ts';
import { relayedUpstreams } from './views/table.ts';

export interface RenderedConfiguration {
  /** Digest of all files: equal configurations have equal versions. */
  readonly version: string;
  /** The main file first. */
  readonly files: readonly RenderedFile[];
}

/** Templates by name; `nginx.conf` is the main one, the others are its partials. */
export type Templates = Readonly<Record<string, string>>;

export type RenderNginx = (input: RenderInput) => RenderedConfiguration;

/** Partials that render one host or one upstream each: there are thousands of these, and few change at a time. */
const BLOCK_PARTIALS = ['upstream', 'server', 'handshake', 'target', 'plain-target', 'passthrough'];

export function compileNginx(templates: Templates): RenderNginx {
  const handlebars = Handlebars.create();
  handlebars.registerHelper({
    quote,
    quoteBefore,
    quoteHost,
    quoteLiteral,
    quoteName,
    quotePart,
    quotePath,
    quotePathExpression,
    quoteText,
  });
  // Strict: a misspelled field in a template is an error with its line, not an empty string in a configuration.
  const compile = (text: string) => handlebars.compile(text, { noEscape: true, strict: true });
  const blocks = new Blocks();
  // Handlebars parses a text at its first use. Compiling early finds errors while the last valid templates are still in use.
  for (const [name, text] of Object.entries(templates)) {
    handlebars.parse(text);
    handlebars.registerPartial(name, BLOCK_PARTIALS.includes(name) ? blocks.partial(name, compile(text)) : text);
  }
  const builtIn = compile(templates[MAIN_FILE] ?? '');
  const compileOwn = memoizeLast(compile);
  const dividerFor = memoizeLast((cluster: string) => new FileDivider(cluster));
  const viewsFor = memoizeLast((common: string) => createViews(JSON.parse(common) as Common));
  // A cache of its own, so that rendering other lists does not discard the work for this one.
  const buildRouteTable = createRouteTableBuilder();
  return (input) => {
    const { template: own, cluster } = input;
    const template = own === undefined ? builtIn : compileOwn(own);
    const table = buildRouteTable(input.routes);
    const views = viewsFor(JSON.stringify(commonOf(input, table)));
    const streams = buildStreamTable(input.streams);
    const view = toView(input, table, streams, views);
    const pieces = blocks.collect(() => template(view));
    const { main: text, parts } = dividerFor(cluster).divide(pieces);
    if (relayedUpstreams(table, streams).length > 0 && ![text, ...parts.map((part) => part.text)].some(usesNameRelay)) {
      throw new Error('The template lacks the resolver of upstreams, which names with upper-case letters require');
    }
    if (!text.includes(VERSION_MARK)) {
      throw new Error('The template lacks {{> status}}, which reports the version that a proxy serves');
    }
    const others = [...parts, ...(input.secretFiles ?? [])];
    const version = versionDigest(cluster, text, others);
    const main = { path: MAIN_FILE, digest: version, text: text.replace(VERSION_MARK, version) };
    return { version, files: [main, ...others] };
  };
}
