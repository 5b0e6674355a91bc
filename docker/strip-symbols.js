// node strip-symbols.js <from> <to>: copies a program without its symbols and debugging data, as sstrip does: nothing
// behind the last segment is loaded when it runs. The official image has no binutils.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';

const [from, to] = process.argv.slice(2);
const program = readFileSync(from);
if (program.toString('latin1', 0, 6) !== '\x7fELF\x02\x01')
  throw new Error(`${from} is no 64-bit little-endian program`);

// Fields of the 64-bit ELF header, by their offset.
const [segments, sections] = [32, 40].map((offset) => Number(program.readBigUInt64LE(offset)));
const [segmentSize, segmentCount] = [54, 56].map((offset) => program.readUInt16LE(offset));

const ends = Array.from({ length: segmentCount }, (_, index) => {
  const segment = segments + index * segmentSize;
  return Number(program.readBigUInt64LE(segment + 8) + program.readBigUInt64LE(segment + 32));
});
const end = Math.max(segments + segmentSize * segmentCount, ...ends);
if (sections < end) throw new Error(`The sections of ${from} are not behind its segments`);

const stripped = program.subarray(0, end);
stripped.writeBigUInt64LE(0n, 40);
stripped.writeUInt16LE(0, 60);
stripped.writeUInt16LE(0, 62);
writeFileSync(to, stripped);
chmodSync(to, 0o755);
