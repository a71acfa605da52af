// Search for a vehicle, an alarm, a code or a version: `/` goes here, arrows choose, Enter opens.
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useNavigate } from "react-router";
import { api, useApi, type Schemas } from "@/api/client";
import { Icon } from "@/components/Icon";
import styles from "./Search.module.css";

type Hit = Schemas["SearchHit"];

const WAIT_MS = 150;
const FIELD = "search-field";

export function focusSearch(): void {
  document.getElementById(FIELD)?.focus();
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

export function Search() {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const q = useSettled(text.trim());
  const found = useApi(
    ["search", q],
    (signal) => api.GET("/v1/search", { params: { query: { q } }, signal }),
    {
      enabled: q !== "",
    },
  );
  const hits = q === "" ? [] : (found.data?.items ?? []);
  const showing = open && q !== "" && found.data !== undefined;
  const go = (hit: Hit | undefined) => {
    if (!hit) return;
    setText("");
    setOpen(false);
    field.current?.blur();
    void navigate(hit.path);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      setOpen(false);
      field.current?.blur();
    } else if (event.key === "Enter") go(hits[at]);
    else if (event.key === "ArrowDown") setAt(Math.min(at + 1, hits.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <search className={styles.search}>
      <Icon name="search" size={16} />
      <input
        ref={field}
        id={FIELD}
        type="search"
        autoComplete="off"
        spellCheck={false}
        maxLength={64}
        placeholder="Vehicle, code, version…"
        aria-label="Search for a vehicle, code or version"
        role="combobox"
        aria-expanded={showing}
        aria-controls={`${id}-hits`}
        aria-autocomplete="list"
        aria-activedescendant={showing && hits[at] ? `${id}-${at}` : undefined}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={key}
      />
      <kbd aria-hidden="true">/</kbd>
      {showing && (
        <div className={styles.hits}>
          <ul id={`${id}-hits`} role="listbox" aria-label="Found">
            {hits.map((hit, place) => (
              <li
                key={`${hit.kind}${hit.path}${hit.label}`}
                id={`${id}-${place}`}
                role="option"
                aria-selected={place === at}
                onPointerDown={(event) => event.preventDefault()}
                onPointerEnter={() => setAt(place)}
                onClick={() => go(hit)}
              >
                <span className={styles.kind}>{hit.kind}</span>
                <b>{hit.label}</b>
                <span className={styles.detail}>{hit.detail}</span>
              </li>
            ))}
          </ul>
          {hits.length === 0 && <p className={styles.none}>Nothing is called “{q}”.</p>}
        </div>
      )}
    </search>
  );
}
