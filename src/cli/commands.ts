import { acme } from './acme.ts';
import { certificates } from './certificates.ts';
import type { Command } from './command.ts';
import { completionOf } from './completion.ts';
import { convert } from './convert.ts';
import { diff } from './diff.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { lint } from './lint.ts';
import { logs } from './logs.ts';
import { maintenance } from './maintenance.ts';
import { plan } from './plan.ts';
import { problems } from './problems.ts';
import { render } from './render.ts';
import { routes } from './routes.ts';
import { schema } from './schema.ts';
import { status } from './status.ts';
import { disable, enable } from './switch.ts';
import { tokens } from './tokens.ts';
import { top } from './top.ts';
import { user } from './user.ts';
import { release, rollback, versions } from './versions.ts';

const others: readonly Command[] = [
  lint,
  convert,
  render,
  explain,
  schema,
  status,
  routes,
  top,
  logs,
  problems,
  certificates,
  acme,
  doctor,
  plan,
  enable,
  disable,
  maintenance,
  versions,
  diff,
  rollback,
  release,
  tokens,
  user,
];

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [...others, completionOf(others)];
