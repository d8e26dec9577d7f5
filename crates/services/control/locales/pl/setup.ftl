### Pierwsze uruchomienie.

setup-title = Pierwsze uruchomienie
setup-lead = Utwórz pierwsze konto. Będzie miało poziom Root, czyli pełne uprawnienia.
setup-code = Kod konfiguracji
setup-code-hint = Wypisało go polecenie pistack up; znajduje się też w pliku secrets/setup_code.
setup-name-hint = Może zostać root albo dowolna inna nazwa.
setup-password-hint = Lepsze długie niż skomplikowane: wystarczą cztery słowa.
setup-button = Utwórz konto
setup-code-wrong = Nieprawidłowy kod konfiguracji. Przepisz go ponownie z konsoli; myślnik i wielkość liter nie mają znaczenia.
setup-done-already = Pierwsze konto już istnieje. Zaloguj się na nie.
passwords-differ = Hasła się różnią.
password-missing = Podaj kod, nazwę użytkownika i hasło.
password-refused = Tego hasła nie można użyć: { $reason }
