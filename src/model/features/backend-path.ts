import { z } from 'zod';
import { label, pathPrefix } from '../labels/label.ts';
import { isCanonicalPath, MAX_PATH_LENGTH } from '../path.ts';
import { feature } from './feature.ts';

const backend_path = label({
  name: 'backend_path',
  policy: 'required',
  type: 'path',
  default: '',
  example: '/v2',
  description:
    'Path that is put before the path of each request, or in place of the context root if `context_root_rewrite` is `true`. Dot segments are resolved first, and other characters keep their encoding. Not supported for gRPC.',
  schema: pathPrefix,
});

/** Decoded and normalized, without trailing slash. The template `pass` writes it in front of the request's path. */
export const backendPath = feature({
  labels: { backend_path },
  read(reader, { isGrpc }): string | undefined {
    const path = reader.read(backend_path);
    if (path === undefined || path === '') return undefined;
    if (isGrpc) reader.refuse(backend_path, 'is not supported for gRPC, whose methods are in the path', 'Remove it.');
    return path;
  },
  message: z.string().min(1).max(MAX_PATH_LENGTH).refine(isCanonicalPath),
  conflict: 'backend_path',
  stage: 'request',
  explain: (path) => ({ backend_path: `The service receives the path with ${path} in front.` }),
  // A byte is encoded in three characters.
  bytes: (path) => 130 + 3 * Buffer.byteLength(path),
});
