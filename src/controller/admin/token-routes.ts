import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import type { Actor } from '../../model/access/administration.ts';
import { type ApiToken, validTokens } from '../../model/access/api-tokens.ts';
import { type Access, createApiToken } from './access.ts';
import type { Administrator } from './administrator.ts';
import { readBody } from './http.ts';
import { type TokenView, tokenRequestSchema } from './requests.ts';

export interface TokenRouteOptions {
  readonly access: Access;
  readonly administrator: Administrator;
  readonly actor: (context: Context) => Actor;
  readonly now: () => number;
}

/** The routes for API tokens, under `/api/tokens`. */
export function tokenRoutes({ access, administrator, actor, now }: TokenRouteOptions): Hono {
  const app = new Hono();
  app.get('/', ({ json }) =>
    json(validTokens(administrator.current.tokens, new Date(now()).toISOString()).map(toTokenView)),
  );
  app.post('/', async (context) => {
    const { cluster, ...wanted } = await readBody(context, tokenRequestSchema);
    const { token, hash } = createApiToken();
    const scope = cluster === undefined ? {} : { cluster };
    const created = await administrator.createToken(actor(context), { ...wanted, ...scope, id: randomUUID(), hash });
    return context.json({ ...toTokenView(created), token });
  });
  app.delete('/:token', async (context) => {
    const { id, expiresAt } = await administrator.revokeToken(actor(context), context.req.param('token'));
    access.end({ id, expiresAt: Date.parse(expiresAt) });
    return context.body(null, 204);
  });
  return app;
}

function toTokenView({ id, name, role, cluster, createdAt, createdBy, expiresAt }: ApiToken): TokenView {
  return { id, name, role, cluster: cluster ?? null, createdAt, createdBy, expiresAt };
}
