"""The words and expressions that judging.py judges names and values by."""

import re
from typing import Final

PLACEHOLDER: Final = re.compile(
    rb"(?i)x{5,}|\*{3,}|\.{3,}|(.)\1{6,}|EXAMPLE|placeholder|change[_.-]?me|your[_-]|dummy|redacted|"
    rb"replace|"
    rb"<[^<>]*>|insert|todo\b|abcdefghijklmnop|sample|masked|notarealkey|"
    rb"not[_-]?a[_-]?real|undefined|nullptr|none\b|null\b|deadbeef|lorem|(?:key|token|secret|"
    rb"password|value)[_-]?here"
)
SURE_PLACEHOLDER: Final = re.compile(
    rb"(?i)(.)\1{7,}|x{6,}|\*{4,}|\.{4,}|EXAMPLE(?:KEY|TOKEN)?$|your[_-]|(?:KEY|TOKEN)[_-]?HERE$"
)
REFERENCE: Final = re.compile(
    rb"(?i)^(?:\$|%[({a-z]|@[a-z{(]|<|\{|#\{|&[a-z]|~|\.{1,2}/|/[a-z][a-z_.-]*(?:/|$)|[a-z]:\\|arn:|"
    rb"projects/|https?:|file:|"
    rb"env[:(.]|vault:|op:|sops:|(?:sha|md)\d{1,3}[=:-]|\[[a-z _.-]*\]?$)"
    rb"|\$\{|\{\{|\$\(|process\.env|environ|getenv|secrets\.|config\.|settings\.|::|->|\(\)|\.\w+\(|"
    rb"===|&&|\|\|"
    rb"|\{[a-z0-9_][\w.:!,\[\]-]*(?:\}|$)|%[sdr]\b|%\(\w+\)"
    rb"|(?:public|private|secret|access|api|signing)[_-]?keys?$|(?-i:(?<=[a-z0-9])(?:Token|Secret|"
    rb"Password|Key)s?$)"
    rb"|^(?:self|this|cls|args|kwargs|req|request|res|ctx|params|props|options|opts|data|var|local|"
    rb"module|System|String)[.\[]"
)
ABOUT_A_SECRET: Final = re.compile(
    rb"(?i)sha[-_]?(?:1|2|256|384|512)?\b|sha\d|md5|digest|checksum|hash(?!icorp)|integrity|etag|"
    rb"commit|revision|fingerprint|public|"
    rb"thumbprint|git_?rev|nonce\b|tokeni[sz]er|token_?(?:type|count|id|name|url|uri|usage|limit)|"
    rb"max_?tokens?|keyboard|"
    rb"key(?:words?|frames?|code|up|down|press|name|path|space|store|ring|size|length|type|_?id|"
    rb"_?file|_?path|error)\b|"
    rb"(?:primary|foreign|sort|partition|cache|map|dict|hot|row|column|shard|dedup|idempotency|order|"
    rb"group|object|lookup|"
    rb"registry|translation|i18n|index|unique|composite|json|test)[_ -]?keys?\b|author(?!iz)|monkey|"
    rb"turkey|passthrough|"
    rb"passport|pass_?(?:ing|ed)|compass|secret[_ -]?(?:name|key[_ -]?ref|id|ref|arn|version|store|"
    rb"type)\b|accessib|"
    rb"password[_ -]?(?:hash|policy|field|input|reset|strength|min|max|length|type)\b|"
    rb"access[_ -]?(?:level|mode|log|control|time)|"
    rb"signature|(?<![a-z])sign(?:al(?!wire)|ificant|ed)|design|assign|bypass|session[_ -]?(?:name|"
    rb"timeout)|"
    rb"authent?icity|uuid\b|guid\b|websocket|avatar|"
    rb"[a-z]\.(?:py|pyi|js|mjs|ts|json|ya?ml|toml|md|rst|txt|html?|css|go|rs|rb|java|php|c|h|pem|pub|"
    rb"crt|png|svg)\b"
)
SAYS_SECRET: Final = re.compile(
    rb"(?i)passw|passphrase|pwd|secret|token|api[ _.-]{0,2}key|apikey|credential|bearer|private|"
    rb"access|auth|client|licen[cs]e[_ -]?key"
)
SAYS_PASSWORD: Final = re.compile(
    rb"(?i)passw|passphrase|passcode|pwd|secret|_pass\b|\bpass(?:[\"']\s*:|[\"']?\s*=|"
    rb"(?-i:(?<=pass):))|identified"
)
PUBLIC_KEY: Final = re.compile(
    rb"AAAA[BCE]3Nza|M(?:FkwEw|HYwEA|CowBQYDK2V|IGbMB|IGfMA|IIBI[jT]AN|IICI[jT]AN|IIDI[jT]AN)"
)
"""How a public key begins, in OpenSSH's form and in that of X.509, which is base64 of one DER prefix each."""
WORDS_WITH_DIGITS: Final = re.compile(
    rb"(?i)x25519|x448|ed25519|ed448|secp\d{3}[kr]1|sha\d{1,3}|md5|aes\d{3}|rsa\d{4}|base(?:16|32|58|"
    rb"62|64|85)|"
    rb"chacha20|poly1305|utf-?(?:8|16|32)|oauth2|http2|ipv[46]|p(?:256|384|521)\b|i18n|k8s|int(?:8|"
    rb"16|32|64)|float(?:32|64)|win32"
)
"""Words that have digits in them and are no less words."""
TIME: Final = re.compile(
    rb"(?:\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}:\d{2})|\d+(?:\.\d+)+(?:[-+.](?:alpha|beta|rc|dev|post|"
    rb"incompatible|snapshot|final)[.\d]*)?$"
)
NO_PARAMETER: Final = re.compile(
    rb"(?i)public|cache|sort|partition|hash|digest|page|next|cursor|continu|object|row|doc"
)
SERVICE_KEY: Final = re.compile(rb"(?i)([a-z]{4,})[_-]?key[\"']?\s*(?:=>|:?=|:)")
NO_SERVICE: Final = re.compile(
    rb"(?i)[a-z]*(?:data|item|value|entry|record|field|table|block|chunk|layer|node|edge|user|file|"
    rb"image|asset|media|"
    rb"build|storage|bucket|memo|model|query|search|session|request|event|message|topic|queue|task|"
    rb"job|lock|state|page|"
    rb"route|routing|link|locale|theme|widget|config|setting|option|param|metric|trace|span|content|"
    rb"source|target)"
)
COMMON_PAIRS: Final = frozenset(
    "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co "
    "me de hi ri ro "
    "ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly "
    "nc et ut ss so "
    "rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia "
    "am fi ci vi pl "
    "ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei "
    "ov by rm ep tt "
    "oc fa ef cu rn sc gi da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go ht ru ug ds lt pi "
    "rc rr eg au ck "
    "ew mu br bi pt ak pu ui rg ib tl ny ki rk ys ob mm fu ph og".split()
)
"""Pairs of letters that are common in English words."""
DEFAULTS: Final = frozenset(
    b"pass password passwd pw pwd secret user username token apikey key test changeme hunter2 "
    b"admin root postgres guest x xxx abc foo bar".split()
)
