/** Both are counted from 1. */
export interface TomlPlace {
  readonly line: number;
  readonly column: number;
}

/** The positions where the keys and tables of a TOML document first appear, by complete path. Array items are numbered. */
export type TomlPlaces = readonly { readonly path: readonly string[]; readonly place: TomlPlace }[];

/** Only for text that a parser has accepted: nothing is validated here. */
export function tomlPlaces(text: string): TomlPlaces {
  const scanner = new Scanner(text);
  scanner.document();
  return scanner.places;
}

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const BASIC_STRING = /"(?:[^"\\]|\\.)*"/y;
const LITERAL_STRING = /'[^']*'/y;
/** Up to two quotes may precede the three closing ones. */
const LONG_BASIC_STRING = /"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}/y;
const LONG_LITERAL_STRING = /'''(?:[^']|'{1,2}(?!'))*'{3,5}/y;
const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const PLAIN_VALUE = /[^,\]}\s#]+(?: \d[^,\]}\s#]*)?/y;

class Scanner {
  readonly places: { path: readonly string[]; place: TomlPlace }[] = [];
  readonly #text: string;
  readonly #lineStarts: readonly number[];
  /** Item counts of the arrays of tables. */
  readonly #items = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  }

  document(): void {
    let table: readonly string[] = [];
    for (this.#skip(BLANK); this.#at < this.#text.length; this.#skip(BLANK)) {
      if (this.#text[this.#at] === '[') table = this.#header();
      else if (!this.#pair(table)) return;
    }
  }

  #header(): readonly string[] {
    const start = this.#at;
    const isArray = this.#text.startsWith('[[', start);
    this.#at += isArray ? 2 : 1;
    const written = this.#key();
    this.#at += isArray ? 2 : 1;
    const parent = this.#inItems(written.slice(0, -1));
    const path = [...parent, ...written.slice(-1)];
    this.#note(path, written.length, start);
    return isArray ? this.#addItem(path, start) : path;
  }

  #addItem(path: readonly string[], start: number): readonly string[] {
    const key = JSON.stringify(path);
    const position = this.#items.get(key) ?? 0;
    this.#items.set(key, position + 1);
    const item = [...path, String(position)];
    this.#note(item, 1, start);
    return item;
  }

  /** A header below an array of tables refers to the array's last item. */
  #inItems(written: readonly string[]): readonly string[] {
    const path: string[] = [];
    for (const name of written) {
      path.push(name);
      const count = this.#items.get(JSON.stringify(path));
      if (count !== undefined) path.push(String(count - 1));
    }
    return path;
  }

  #pair(table: readonly string[]): boolean {
    const start = this.#at;
    const key = this.#key();
    if (this.#text[this.#at] !== '=') return false;
    this.#at += 1;
    const path = [...table, ...key];
    this.#note(path, key.length, start);
    this.#skip(BLANK);
    this.#value(path);
    return true;
  }

  /** A dotted, bare or quoted key. Reading then continues after it. */
  #key(): string[] {
    const names: string[] = [];
    do {
      if (names.length > 0) this.#at += 1;
      this.#skip(BLANK);
      names.push(this.#name());
      this.#skip(BLANK);
    } while (this.#text[this.#at] === '.');
    return names;
  }

  #name(): string {
    const basic = this.#skip(BASIC_STRING);
    if (basic !== '') return decodeEscapes(basic.slice(1, -1));
    const literal = this.#skip(LITERAL_STRING);
    return literal === '' ? this.#skip(BARE_KEY) : literal.slice(1, -1);
  }

  #value(path: readonly string[]): void {
    const first = this.#text[this.#at];
    if (first === '{') this.#inside('}', () => this.#pair(path));
    else if (first === '[') {
      let position = 0;
      this.#inside(']', () => {
        const item = [...path, String(position++)];
        this.#note(item, 1, this.#at);
        this.#value(item);
        return true;
      });
    } else if (!this.#string()) this.#skip(PLAIN_VALUE);
  }

  #string(): boolean {
    return [LONG_BASIC_STRING, LONG_LITERAL_STRING, BASIC_STRING, LITERAL_STRING].some(
      (form) => this.#skip(form) !== '',
    );
  }

  #inside(end: string, item: () => boolean): void {
    this.#at += 1;
    for (this.#skip(BLANK); this.#at < this.#text.length; this.#skip(BLANK)) {
      const next = this.#text[this.#at];
      if (next === ',') this.#at += 1;
      else if (next === end) {
        this.#at += 1;
        return;
      } else if (!item()) return;
    }
  }

  /** The last `written` names of the path appear here, and so do the tables that they imply. */
  #note(path: readonly string[], written: number, offset: number): void {
    const line = this.#lineStarts.findLastIndex((start) => start <= offset);
    const place = { line: line + 1, column: offset - this.#lineStarts[line]! + 1 };
    for (let length = path.length - written + 1; length <= path.length; length++)
      this.places.push({ path: path.slice(0, length), place });
  }

  #skip(form: RegExp): string {
    form.lastIndex = this.#at;
    const [found = ''] = form.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }
}

/** TOML has JSON's escapes and some additional ones. */
function decodeEscapes(text: string): string {
  return text.replaceAll(
    /\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|x([\da-fA-F]{2})|(.))/g,
    (_, short, long, byte, letter) => {
      const code = short ?? long ?? byte;
      if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
      return { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' }[letter as string] ?? letter;
    },
  );
}
