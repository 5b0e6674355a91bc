/** nginx joins several Set-Cookie headers of the authenticator: the first few are taken apart again. */
export const COOKIES = [1, 2, 3, 4];
export const COOKIE_STEPS = COOKIES.map((number) => ({
  number,
  from: number === 1 ? '$auth_set_cookie' : `$auth_cookies_${number}`,
  next: number + 1,
}));
/** nginx cannot encode a text: each step encodes one character of the requested URL. */
const MOST_ENCODED = 16;
export const ENCODING_STEPS = Array.from({ length: MOST_ENCODED }, (_, step) => ({
  from: step === 0 ? '" $auth_url"' : `$auth_step${step}`,
  to: step === MOST_ENCODED - 1 ? '$auth_encoded' : `$auth_step${step + 1}`,
  unchanged: step === 0 ? '" $auth_url"' : `$auth_step${step}`,
  characters: [
    { plain: '%', encoded: '%25' },
    { plain: '&', encoded: '%26' },
    { plain: '[+]', encoded: '%2B' },
    { plain: '#', encoded: '%23' },
    { plain: ';', encoded: '%3B' },
  ],
}));
