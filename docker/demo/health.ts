import { answerText, BadRequest, type Exchange } from './exchange.ts';

/** POST ?healthy=false makes this task unhealthy until it is set back, to show how Swarm replaces it. */
export function health({ request, response, query, world }: Exchange): void {
  if (request.method === 'POST') {
    world.health.healthy = parseHealthy(query.get('healthy'));
    answerText(response, 200, describe(world.health.healthy));
    return;
  }
  answerText(response, world.health.healthy ? 200 : 503, describe(world.health.healthy));
}

function parseHealthy(text: string | null): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new BadRequest('healthy must be true or false');
}

function describe(healthy: boolean): string {
  return healthy ? 'healthy' : 'unhealthy';
}
