import { digest } from '../lib/digest.ts';
import type { RenderInput } from '../model/render-input.ts';
import { compileNginx, type RenderedConfiguration, type RenderNginx, type Templates } from './nginx.ts';

/**
 * The current templates: compiled and identified by their digest. They can be replaced while a caller waits for new
 * ones.
 */
export class TemplateSource {
  #render: RenderNginx;
  #renderPart: RenderNginx;
  #version: string;
  #waiting = Promise.withResolvers<void>();

  constructor(templates: Templates) {
    this.#render = compileNginx(templates);
    this.#renderPart = compileNginx(templates);
    this.#version = digest(JSON.stringify(templates));
  }

  get version(): string {
    return this.#version;
  }

  render(input: RenderInput): RenderedConfiguration {
    return this.#render(input);
  }

  /** Renders some of the routes without discarding the caches of the complete rendering. */
  renderPart(input: RenderInput): RenderedConfiguration {
    return this.#renderPart(input);
  }

  /** Throws if templates do not compile; the current ones then stay in use. */
  replace(templates: Templates): void {
    this.#render = compileNginx(templates);
    this.#renderPart = compileNginx(templates);
    this.#version = digest(JSON.stringify(templates));
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers<void>();
  }

  /** Resolves when the version differs from the known one. */
  async changed(known: string): Promise<void> {
    while (this.#version === known) await this.#waiting.promise;
  }
}
