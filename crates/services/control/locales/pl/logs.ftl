### Strona dzienników.

logs-programs = Programy
logs-no-programs = Nie ma programu, którego dziennik możesz czytać.
logs-search = Szukaj
logs-search-hint = tekst lub wyrażenie regularne
logs-output = Wyjście
logs-both = oba
logs-from = Od
logs-to = Do
logs-wrap = Zawijaj wiersze
logs-show = Pokaż
logs-lines = Wiersze dziennika
logs-choose = Zaznacz jeden lub więcej programów i wybierz „Pokaż”.
logs-none = { $name } nie ma jeszcze dziennika albo pisze do dziennika nadzorcy.
logs-no-times = Wiersze { $name } nie zawierają czasu, więc zakres czasu ich nie dotyczy.
logs-bad-search = To nie jest wyrażenie regularne: { $reason }. Przed znakami . * + ? ( ) [ ] {"{"} {"}"} | ^ $, które mają znaczyć same siebie, postaw ukośnik odwrotny.
logs-no-match = Żaden wiersz nie pasuje
logs-match = Trafienie { NUMBER($number) } z { NUMBER($count) }
logs-cut = (dziennik jest długi: przeszukano tylko jego koniec)
logs-prev = Starsze trafienie
logs-next = Nowsze trafienie
logs-latest = Najnowsze wiersze
logs-older = Starsze wiersze
logs-newer = Nowsze wiersze
logs-download = Pobierz
logs-waiting = nowe wiersze czekają
