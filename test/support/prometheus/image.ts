import { officials } from '../../../bed/base-references.ts';
import { hasImage } from '../../../bed/build-image.ts';
import { findEngine } from '../../../bed/engine.ts';
import { standIns } from '../../../bed/places.ts';
import { ensureToolsImage } from '../../../bed/tools-image.ts';

/** Prometheus and promtool from Debian's package; built if it is missing. Returns its tag. */
export async function prometheusImage(): Promise<string> {
  const engine = (await findEngine())!;
  const debian = (await hasImage(engine, standIns.debian)) ? standIns.debian : officials.debian;
  return (await ensureToolsImage({ engine, bases: { debian } }, 'prometheus', 'test/support/prometheus/Dockerfile'))
    .tag;
}
