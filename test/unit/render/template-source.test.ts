import { expect, it } from 'vitest';
import type { Route } from '../../../src/model/route.ts';
import { TemplateSource } from '../../../src/render/template-source.ts';
import { templateTexts } from '../../support/golden.ts';
import { inputOf, manyServices } from '../../support/many-services.ts';

/** Reports how often a source is computed. */
function watched(route: Route): { readonly route: Route; readonly looks: () => number } {
  let looks = 0;
  const proxy = new Proxy(route, {
    get(target, key, receiver) {
      looks += 1;
      return Reflect.get(target, key, receiver);
    },
  });
  return { route: proxy, looks: () => looks };
}

it('computes new parts only, even if a part was rendered separately before', () => {
  const source = new TemplateSource(templateTexts);
  const input = inputOf(manyServices(20));
  const { route: kept, looks } = watched(input.routes[0]!);
  const rest = input.routes.slice(1, -1);
  source.render({ ...input, routes: [kept, ...rest] });
  const last = input.routes.at(-1)!;
  const looksForOneMore = () => {
    const before = looks();
    source.render({ ...input, routes: [kept, ...rest, last] });
    source.render({ ...input, routes: [kept, ...rest] });
    return looks() - before;
  };
  const alone = looksForOneMore();

  source.renderPart({ ...input, routes: [last] });

  expect(looksForOneMore()).toBe(alone);
});
