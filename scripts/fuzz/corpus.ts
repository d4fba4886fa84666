/** Pieces of requests that somebody may hope to get through with. Characters up to U+00FF are sent as one byte each. */

const words = (text: string) => text.split(/ +|\n */).filter((word) => word !== "");
const lines = (text: string) => text.split("\n").map((line) => line.trim());

/** One segment of a path. */
export const segments: readonly string[] = [
  ...words(`.. . %2e%2e %2E%2E%2F ..%2f..%2fetc%2fpasswd %2f %5c ..\\..\\ %00 a%00b % %zz %c0%af %ff%fe %ed%a0%80 %u0061
    a%0d%0aSet-Cookie:x a%20b + ;x=1 a;b * ~ ' " \` $(id) {{7*7}} __proto__ constructor toString hasOwnProperty latest - null
    undefined 0 -1 1e999 NaN fc%2Freleases FC f_c %66c fc. .fc fc%E2%80%8B %D0%B0bc caf\u00e9 \u00ff\u00fe a\tb 1.0.0%2b1 v1.0.0
    1.0.0- 01.0.0 99999999999999999999.0.0 %25 %252e%252e a=b&c=d`),
  ...[65, 300, 9000].map((length) => "x".repeat(length)),
];

/** What stands behind a path. */
export const tails = words("/ // /. /.. /%2e ? ?? ?a ?% ?%zz=1 ?limit=1&limit=2 ?page=-1 ?page=1e9 #x %3f ; \\");

/** Values of query parameters. */
export const terms: readonly string[] = [
  ...words(`% _ \\ * " ' AND OR%20NOT a* NEAR(a%20b) -a ^a {a}:%20b a%00 %00 %ff %ed%a0%80 + %20 %E6%BC%A2%E5%AD%97
    x';%20DROP%20TABLE%20Users;%20-- 1%20OR%201=1 [] a[]`),
  ...["", "a".repeat(201), "a".repeat(12_000)],
  ...words("-1 0 1 1e3 1.5 NaN 0x10 9999999999999999999999999"),
];

/** First lines of requests. */
export const requestLines: readonly string[] = [
  ...lines(`GET
    GET /
    GET / HTTP/1.1 x
    GET  / HTTP/1.1
    GET\t/\tHTTP/1.1
    get / HTTP/1.1
    GET / HTTP/0.9
    GET / HTTP/1.0
    GET / HTTP/2.0
    GET / HTTP/9.9
    GET / http/1.1
    GET / HTTPS/1.1
    PRI * HTTP/2.0
    GET * HTTP/1.1
    OPTIONS * HTTP/1.1
    CONNECT a:80 HTTP/1.1
    GET http://evil.example/healthz HTTP/1.1
    GET //evil.example/releases HTTP/1.1
    GET /\\evil.example/releases HTTP/1.1
    GET /a b HTTP/1.1
    GET /\u0000 HTTP/1.1
    GET /\u007f HTTP/1.1
    GET /\u00e9 HTTP/1.1
    \u0016\u0003\u0001\u0002
    TRACE / HTTP/1.1
    PROPFIND / HTTP/1.1
    QUERY / HTTP/1.1
    G\u0000T / HTTP/1.1`),
  ...[
    "",
    " GET / HTTP/1.1",
    "GET / HTTP/1.1\r",
    `${"A".repeat(300)} / HTTP/1.1`,
    `GET /${"a".repeat(20_000)} HTTP/1.1`,
  ],
];

/** Header lines. */
export const headerLines: readonly string[] = [
  ...lines(`Host: b
    Host:
    Host: a, b
    Host: a/../b
    Host: [::1
    Host: evil.example:99999
    X-Forwarded-Host: evil.example
    X-Forwarded-For: 1.2.3.4, ::1
    X-Forwarded-Proto: gopher
    Forwarded: for=_x;host=evil.example
    No-Colon
    Space : x
    : empty
    A: \u0000
    A: \u0001\u0002
    A: \u00ff
    A\u0000: b
    Expect: 100-continue
    Expect: nonsense
    Upgrade: websocket
    Upgrade: h2c
    Connection: upgrade
    Connection: keep-alive, close, x
    TE: trailers
    Range: bytes=0-
    Range: bytes=-1
    Range: bytes=5-1
    Range: bytes=0-0,2-3
    Range: bytes=99999999999999999999-
    Range: lines=1-2
    If-None-Match: *
    If-None-Match: "
    If-Modified-Since: never
    If-Range: "x"
    If-Match: *
    X-HTTP-Method-Override: DELETE
    X-Method-Override: DELETE
    X-Original-URL: /audit
    X-Rewrite-URL: /audit
    X-Client-Id:
    Content-Type:
    Content-Type: application/json; charset=utf-16
    Content-Type: text/plain
    Content-Encoding: gzip
    Accept: */*;q=x
    Accept-Encoding: br
    Cookie: token=x
    Origin: null`),
  ...["A: b\r\n folded", `A: ${"b".repeat(17_000)}`, `X-Forwarded-For: ${"1,".repeat(3000)}`],
  ...[
    `Range: bytes=${"0-1,".repeat(2000)}`,
    `If-None-Match: ${'"a",'.repeat(1000)}`,
    `X-Client-Id: ${"c".repeat(5000)}`,
  ],
];

/** Methods that most paths do not have. */
export const oddMethods = words(
  "OPTIONS TRACE PROPFIND MKCOL PATCH PUT DELETE POST HEAD LINK PURGE M-SEARCH SEARCH BREW",
);
