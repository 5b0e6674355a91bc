import { expect, it } from 'vitest';
import { render } from '../support/golden.ts';
import { inputOf, manyServices } from '../support/many-services.ts';
import { NginxContainer } from '../support/nginx-container.ts';

it('is accepted by the nginx of the proxy image: a configuration in parts', async () => {
  await using nginx = await NginxContainer.start();
  const { files } = render(inputOf(manyServices(1200)));
  const broken = files.map((file, position) => (position === 1 ? { ...file, text: `${file.text}oops;\n` } : file));

  expect(files.length).toBeGreaterThan(3);
  expect(await nginx.testFiles(files)).toBe('');
  expect(await nginx.testFiles(broken)).toContain(`unknown directive "oops" in /tmp/files/${files[1]!.path}`);
});
