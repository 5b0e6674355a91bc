import { isGrpc } from '../../model/features/backend-protocol.ts';
import type { Location, RouteTable } from '../../model/route-table/table.ts';
import { bytesOf } from '../../model/size.ts';
import { locationErrorCodes } from '../errors.ts';
import { numbersUpTo } from '../limits.ts';
import { type Choice, type Choices, choicesOf } from './choices.ts';
import type { LocationContext } from './location-context.ts';

/** nginx compares the size of a body before the choice: a limit for all locations that may answer, or none. */
export function toChoiceView(
  { target }: Choice,
  [limit, ...others]: readonly string[],
  { handlesErrors }: Pick<LocationContext, 'handlesErrors'>,
) {
  const unlimited = others.length > 0;
  return {
    choice: { target, unlimited, maxBodySize: limit, errorCodes: handlesErrors ? locationErrorCodes : undefined },
    service: undefined,
    first: [],
    isGrpc: false,
  };
}

type Defaults = Pick<LocationContext, 'maxBodySize'>;

/** The different limits of the locations that a choice may lead to. */
export function bodyLimits({ named }: Pick<Choices, 'named'>, defaults: Defaults): readonly string[] {
  return [...new Set(named.map(({ location }) => limitOf(location, defaults)))];
}

function limitOf({ options }: Location, { maxBodySize }: Defaults): string {
  return options.maxBodySize ?? (isGrpc(options.protocol) ? '0' : maxBodySize);
}

/** The variable that shows that a body exceeds the limit; undefined if nginx has compared it. */
export function tooLarge(location: Location, limits: readonly string[], defaults: Defaults): string | undefined {
  const limit = limitOf(location, defaults);
  return limits.length < 2 || bytesOf(limit) === 0 ? undefined : `larger_than_${limit}`;
}

/** What choices define for all servers together. */
export function choiceDefinitions({ servers, fallback }: RouteTable, defaults: Defaults, isTrusting: boolean) {
  return [...servers.map(({ locations }) => locations), fallback].flatMap((locations) => {
    const choices = choicesOf(locations, isTrusting);
    const limits = bodyLimits(choices, defaults);
    const sizes = choices.named.flatMap(({ location }) => {
      const variable = tooLarge(location, limits, defaults);
      if (variable === undefined) return [];
      const expression = numbersUpTo(bytesOf(limitOf(location, defaults)));
      return [{ key: variable, partial: 'define-too-large', bytes: 0, variable, expression }];
    });
    return [...[...choices.byPath.values()].flatMap(({ definitions }) => definitions), ...sizes];
  });
}
