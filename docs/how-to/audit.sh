#!/usr/bin/env bash
# Audits runs without Babysitter: bash, coreutils, jq, openssl, ssh-keygen, xxd.   audit.sh FOLDER [TRUST]
# FOLDER has runs/ and log/ (.a5c, or an unpacked export). TRUST is yours, not the operator's, each file optional:
# allowed_signers, revoked_keys, log.vkey, witnesses (a key a line), tsa-roots.pem, origins, seen/* (checkpoints got elsewhere).
set -uo pipefail; export LC_ALL=C TZ=UTC; shopt -s nullglob; trust=$(realpath -m "${2:-/nonexistent}"); cd "$1" || exit 2
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; bad=0 unsigned=0; declare -A root=() seen=() opened=() purged=(); wrong() { printf 'WRONG  %s\n' "$*"; bad=1; }
sha() { sha256sum | cut -c1-64; }; hex() { xxd -p | tr -d '\n'; }; node() { { printf '\1'; xxd -r -p <<<"$1$2"; } | sha; }; nth() { sed -n "$1p" "$2" 2>/dev/null; }
signed() { # KEY SIGNATURE-FILE: is standard input signed by that Ed25519 key, given in hex?
  cat >"$T/in"; printf '302a300506032b6570032100%s' "$1" | xxd -r -p | openssl pkey -pubin -inform DER -out "$T/pem" 2>/dev/null; openssl pkeyutl -verify -rawin -pubin -inkey "$T/pem" -sigfile "$2" -in "$T/in" >/dev/null 2>&1; }
note() { # NOTE VKEY: is the note signed by that key? For a witness's key $when is the time it says, else 0
  local raw; raw=$(base64 -d <<<"${2#*+*+}" | hex); when=0; grep -F -- "— ${2%%+*} " "$1" | head -n1 | sed 's/.* //' | base64 -d >"$T/blob" 2>/dev/null
  tail -c 64 "$T/blob" >"$T/sig"; [ "${raw:0:2}" != 04 ] || when=$((16#0$(tail -c 72 "$T/blob" | head -c 8 | hex)))
  { [ $when = 0 ] || printf 'cosignature/v1\ntime %d\n' $when; sed '/^$/Q' "$1"; } | signed "${raw:2}" "$T/sig"; }
take() { local n=$((16#0${x:p:8})); v=${x:p+8:n*2}; p=$((p + 8 + n * 2)); } # the next length-prefixed string of $x
touched() { # SIGNATURE: a security key was touched; a passkey besides knew its user, at a page of ours
  local kind flags; x=$(sed '1d;$d' "$1" | base64 -d 2>/dev/null | hex); p=20; take; take; take; take; take; x=$v; p=0; take; kind=$(xxd -r -p <<<"$v")
  case $kind in sk-* | webauthn-*) take; flags=$((16#0${x:p:2})); ((flags & 1)) || return 1 ;; *) return 0 ;; esac; [[ $kind == webauthn-* ]] || return 0; p=$((p + 10)); take
  ((flags & 4)) && { cat "$trust/origins" 2>/dev/null || jq -r '.[].signing.origins[]?' "$T/policies"; } | grep -qxF "$(xxd -r -p <<<"$v")" && take && xxd -r -p <<<"$v" | jq -e '(.crossOrigin // false) == false and (has("topOrigin") | not)' >/dev/null; }
# 1. The log: its Merkle tree (RFC 6962); every checkpoint there is must be signed by its key, and be of its beginning.
set -- runs/*/ "$trust"/log.vke[y] "$trust"/seen/*; L=log/log.jsonl; notes=(log/checkpoint log/checkpoints/*[0-9] "$trust"/seen/*); [ -s $L ] || { L=/dev/null; notes=("$trust"/seen/*); [ $# = 0 ] || wrong "log: there is none"; }
vkey=$(cat "$trust/log.vkey" 2>/dev/null || cat log/log.vkey 2>/dev/null); n=0; hash=(); size=(); : >"$T/witnessed"; : >"$T/stamped"; for c in "${notes[@]}" log/checkpoints/[0-9]*.tsr; do s=${c##*/}; [[ $c == *.tsr ]] && s=${s%%.*} || s=$(nth 2 "$c" | tr -cd 0-9); seen[${s:-0}]=1; done
while IFS= read -r line; do h=$({ printf '\0'; printf '%s\n' "$line"; } | sha); s=1; n=$((n + 1))
  while ((${#size[@]})) && ((size[-1] == s)); do h=$(node "${hash[-1]}" "$h"); s=$((s * 2)); unset 'hash[-1]' 'size[-1]'; done; hash+=("$h"); size+=("$s")
  [ ! "${seen[$n]:-}" ] || { for ((i = ${#hash[@]} - 2; i >= 0; i--)); do h=$(node "${hash[i]}" "$h"); done; root[$n]=$h; }; done <$L
for c in "${notes[@]}"; do s=$(nth 2 "$c" | tr -cd 0-9); s=${s:-0}; if [ -z "$vkey" ] || [ "$(nth 1 "$c")" != "${vkey%%+*}" ] || ! note "$c" "$vkey"; then wrong "log: $c is not signed by its key"
  elif ((s > n)); then wrong "log: $c is of $s lines and the log has $n: rolled back"; elif [ "${root[$s]:-}" != "$(nth 3 "$c" | base64 -d | hex)" ]; then wrong "log: $c is of other lines: forked or rewritten"
  else while read -r w; do note "$c" "$w" && echo "$s $when" >>"$T/witnessed"; done < <(cat "$trust/witnesses" 2>/dev/null); fi; done
for c in log/checkpoints/[0-9]*.tsr; do s=${c##*/}; s=${s%%.*}; [ "${root[$s]:-}" ] || continue; { printf '%s\n' "${vkey%%+*}" "$s"; xxd -r -p <<<"${root[$s]}" | base64; } >"$T/text"
  openssl ts -verify -data "$T/text" -in "$c" -CAfile "$trust/tsa-roots.pem" >/dev/null 2>&1 && echo "$s $(date -d "$(openssl ts -reply -in "$c" -text 2>/dev/null | sed -n 's/^Time stamp: //p')" +%s)" >>"$T/stamped"; done
# 2. Rules and signers under their digests; what the log tells of each run, and the keys of runs.
for f in log/policies/* log/signers/*; do [ "$(sha <"$f")" = "$(basename "$f" .json)" ] || wrong "$f is not what its name says"; done
jq -n '[inputs|{key:(input_filename|split("/")[-1]|rtrimstr(".json")),value:.}]|from_entries' log/policies/*.json </dev/null >"$T/policies"
while IFS=$'\t' read -r type id seq digest key status; do j=runs/$id/journal/journal.jsonl; case $type in
  run.opened) [ -z "${opened[$id]:-}" ] || wrong "$id: opened twice"; opened[$id]=$(base64 -d <<<"$key" | hex)
    [ ! -f "$j" ] || [ "$(head -n1 "$j" | sha)" = "$digest" ] || wrong "$id: its first line is not the one of the log" ;;
  run.purged) purged[$id]=1 ;; run.progress | run.sealed | approval) [ -f "$j" ] || continue; [ "$(head -n "$seq" "$j" | sha)" = "$digest" ] || wrong "$id: its first $seq lines are not those of the log"
    [ $type != run.sealed ] || [ "$(sha <"$j")" = "$digest" ] || wrong "$id: it is not the journal that was sealed"
    [ $type = approval ] || [ "$key" = - ] || { base64 -d <<<"$key" >"$T/s"; printf '%s\n' babysitter-run/v1 "$id" "${type#run.}" "$seq" "$digest" ${status:+"$status"} |
      signed "${opened[$id]:-}" "$T/s" || wrong "$id: its key did not sign $type at line $seq"; } ;; esac
done < <(jq -r 'select(.data.runId)|[.type,.data.runId,.data.seq//0,.data.firstLineSha256//.data.prefix//"-",.data.runKey//([.data.signature//""|select(.!="")][0])//"-",.data.status//""]|@tsv' $L)
for id in "${!opened[@]}"; do [ -d "runs/$id" ] || [ "${purged[$id]:-}" ] || { grep -qxF "$id" left-out 2>/dev/null && echo "not shown: run $id, which was left out"; } || wrong "$id: the log tells of it and it is not there"; done
# 3. Each run: its chain, its files, its answers, what they add up to, and that nothing started without them.
for d in runs/*/; do id=$(basename "$d"); j=${d}journal/journal.jsonl; [ "${opened[$id]:-}" ] || { wrong "$id: on disk and not in the log"; continue; }
  i=0; while read -r q; do [ "$(head -n $i "$j" | sha)" = "$q" ] || { wrong "$id: line $((i + 1)) does not chain"; break; }; i=$((i + 1)); done < <(jq -r .prefix "$j" 2>/dev/null)
  jq -r '(.data|.files[]?,.ref?,(to_entries[]|select(.key|endswith("Ref")).value)|objects|"\(.sha256)  \(.path)"),(select(.type=="BREAKPOINT_REQUESTED").data|"\(.shownSha256)  breakpoints/\(.breakpointId)/shown.md")' "$j" >"$T/sums" 2>/dev/null
  [ ! -s "$T/sums" ] || (cd "$d" && sha256sum --check --strict --quiet "$T/sums" >/dev/null 2>&1) || wrong "$id: a file is not the one that its line names"
  jq -rn --slurpfile j "$j" --slurpfile p "$T/policies" --slurpfile l $L --arg id "$id" '$j[0].data as $c | $p[0] as $p | [$c.requestedBy, $c.authors[]?] as $authors |
    def by(t; f): [$j[] | select(.type == t) | {key: (.data | f), value: .}] | from_entries; by("BREAKPOINT_REQUESTED"; .breakpointId) as $q | by("EFFECT_REQUESTED"; .effectId) as $f |
    def person(P): . as $n | first((P.people | to_entries[] | select(.value.accounts // [] | index($n)) | .key), $n);
    def rule: $p[.policySha256] as $P | first(($P | .rules[]?, .guarded, .asked | values) as $u | select($u.id == .rule) | $u);
    def glob: gsub("(?<x>[^\\w*?])"; "\\\(.x)") | gsub("\\*"; ".*") | gsub("\\?"; ".") | "^(\(.))$"; def has(a; b): any(a[]; . as $x | b | index($x)); def signed: .method == "ssh" or .method == "passkey";
    def guard($e; $P): first(($P.rules[]? | (.when // {}) as $w | ([$w.environment // []] | flatten) as $v | select(($v == [] or ($v | index($e.environment // "-"))) and ($w.critical == null or $w.critical == ($e.critical // false))
      and ($w.tags == null or has($w.tags; $e.labels // [])) and ($e.taskId | test($w.task // "*" | glob)) and ($c.processId | test($w.process // "*" | glob))) | .id), (select($e.critical == true or $e.environment == "production") | "default-guarded"));
    ($j[] | select(.type == "BREAKPOINT_RESPONDED") | .seq as $n | .data | . as $a | $q[.breakpointId] as $r | ($r.data | rule // null) as $u | $p[$r.data.policySha256] as $P | (.onBehalfOf // .approver) as $seat |
      ((if $u == null then "the rules are not kept" elif .approver | startswith("rule:") then select(($u.signature == false and any($P.auto_approve[]; "rule:" + .id == $a.approver and .never != true)) | not) | "no rule may"
        elif ((if .breakGlass then $u.breakers else $u.may end) // []) | index("*") or index($seat) | not then "rule \($u.id) does not name \($seat)"
        elif .onBehalfOf and (any($u.delegates[]?; .from == $a.onBehalfOf and .to == $a.approver) | not) then "nobody delegated that seat" elif .breakGlass or ($r.data.eligible | index("*") or index($a.approver)) | not then "they were not asked"
        elif .decision == "approve" and .breakGlass != true and ($u.author_may_approve | not) and any($authors[]; person($P) == ($a.approver | person($P))) then "an author may not" else empty end | "P\tline \($n), \($a.approver) might not \($a.decision): \(.)"),
      (select(.decision != "defer") | [$l[] | select(.type == "approval" and .data.runId == $id and .data.seq == $n and .data.breakpointId == $a.breakpointId and .data.approver == $a.approver and .data.decision == $a.decision and .data.statementSha256 == $a.statementSha256)]
        | if length != 1 then "P\tthe answer in line \($n) is not in the log" else .[0] as $x | last($l[] | select(.seq < $x.seq and .type == "signers.changed") | .data) // {} | ["A", $n, $a.approver, $a.statementRef.path // "-", $a.signatureRef.path // "-", $r.seq, $r.data.expiresAt // "-", $x.seq, $x.recordedAt, .signersSha256 // "-", .revokedSha256 // "-"] | @tsv end))),
    ($j[] | select(.type == "BREAKPOINT_RELEASED") | .data | .breakpointId as $b | $q[$b].data as $r | ($r | rule // null) as $u | $p[$r.policySha256] as $P | [.respondedBy[] as $n | last($j[] | select(.type == "BREAKPOINT_RESPONDED" and .data.breakpointId == $b and .data.approver == $n) | .data)] as $y
      | if ($y | length) != (.respondedBy | length) or any($y[]; .decision != "approve") then "somebody did not approve" elif $u.signature != false and any($y[]; signed | not) then "rule \($u.id) wants signatures"
        elif any($y[]; .breakGlass) then empty else [$y[] | .onBehalfOf // .approver | person($P)] as $have | if ($have | unique | length) < ([$r.quorum // 1, $u.quorum] | max) then "too few people"
          elif ($r.strategy == "all" or $u.strategy == "all") and ([$u.may[], $r.eligible[]?] | index("*") | not) then ([$r.eligible[]? | select(IN($u.may[])) | person($P)] - $have)[0] // empty | "it takes everybody, and \(.) did not approve" else empty end end | "P\t\($b) was released although \(.)"),
    (reduce ($j[] | select(.type == "BREAKPOINT_RELEASED" or .type == "BREAKPOINT_LAPSED" or (.type == "EFFECT_STARTED" and .data.attempt == 1))) as $e ({left: {}, out: []}; $e.data as $d | $f[$d.effectId // ""].data as $x
      | if $d.breakpointId then .left[$d.breakpointId] = if $e.type == "BREAKPOINT_LAPSED" then [] else $q[$d.breakpointId].data.approves // [] end elif $d.approval then
          (first((.left[$d.approval] // []) | to_entries[] | select(.value | .taskId == $x.taskId and .argsSha256 == $x.argsSha256 and (.sandboxSha256 // $d.sandboxSha256) == $d.sandboxSha256) | .key) // null) as $i
          | if $i == null then .out += ["P\t\($d.effectId) started with an approval that does not cover it"] else .left[$d.approval] |= del(.[$i]) end
        else (guard($x; $p[last($l[] | select(.type == "policy.changed" and .recordedAt <= $e.recordedAt) | .data.policySha256) // $c.policySha256]) // null) as $u | if $u then .out += ["P\t\($d.effectId) started without an approval; rule \($u) wants one"] else . end end) | .out[])' >"$T/out" 2>/dev/null || wrong "$id: its lines can't be read"
  while IFS=$'\t' read -r tag seq who st sg asked expires index at s r; do [ "$tag" = A ] || { wrong "$id: $seq"; continue; }; when=$(while read -r size time; do ((size < index)) || echo "$time"; done < <(cat "$T/witnessed" "$T/stamped") | sort -n | head -n1)
    at=$(date -u -d "${when:+@}${when:-$at}" +%Y-%m-%dT%H:%M:%S); [[ $expires == - || ! $at > $expires ]] || wrong "$id: the answer in line $seq came after $expires"
    [ "$st" != - ] || { unsigned=$((unsigned + 1)); continue; }; keys=(-f "log/signers/$s"); [ "$r" = - ] || keys+=(-r "log/signers/$r"); [ ! -f "$trust/allowed_signers" ] || { keys=(-f "$trust/allowed_signers"); [ ! -f "$trust/revoked_keys" ] || keys+=(-r "$trust/revoked_keys"); }
    ssh-keygen -Y verify "${keys[@]}" -I "$who" -n babysitter-approval -s "$d$sg" -Overify-time="$(date -u -d "$at" +%Y%m%d%H%M%SZ)" <"$d$st" >/dev/null 2>&1 || wrong "$id: $who did not sign the answer in line $seq"
    touched "$d$sg" || wrong "$id: nobody touched the key that signed line $seq, or it did not know its user"
    jq -en --slurpfile s "$d$st" --slurpfile j "$j" --arg id "$id" --arg head "$(head -n "$asked" "$j" | sha)" --argjson n "$seq" --argjson q "$asked" '$j[$n-1].data as $a|$j[$q-1] as $q|$s[0]|.predicate as $p
      |.predicateType=="urn:babysitter:approval/v1" and [$p|.runId,.breakpointId,.approves//[],.journal,.decision,.comment,.approver,.rule,.policySha256,.expiresAt,.onBehalfOf,.breakGlass//false]==
      [$id,$a.breakpointId,$q.data.approves//[],{seq:$q.seq,prefix:$q.prefix,head:$head},$a.decision,$a.comment//"",$a.approver,$q.data.rule,$q.data.policySha256,$q.data.expiresAt,$a.onBehalfOf,$a.breakGlass//false]
      and [.subject[]|[.name,.digest.sha256]]==([["shown.md",$q.data.shownSha256]]+[$q.data.files[]?|[.path,.sha256]])' >/dev/null 2>&1 || wrong "$id: the answer in line $seq was signed for something else"; done <"$T/out"; done
[ -s "$T/witnessed" ] || echo "not shown: no witness that you believe has seen this log, so its operator could have rewritten all of it"; ((unsigned == 0)) || echo "not shown: who gave $unsigned answers, which nobody signed"
((bad)) && { echo WRONG; exit 1; }; echo "OK  ${#opened[@]} runs, $n lines of log"
