### Logowanie.

login-title = Logowanie
login-lead = Zaloguj się, aby zobaczyć, co działa na tym urządzeniu, i tym sterować.
login-hint = Nie pamiętasz hasła? Ustaw nowe w konsoli urządzenia:
user-name = Nazwa użytkownika
password = Hasło
password-again = Powtórz hasło
sign-in = Zaloguj się
fill-both = Podaj nazwę użytkownika i hasło.
wrong-credentials = Nieprawidłowa nazwa użytkownika lub hasło.
too-many = Zbyt wiele prób. Odczekaj chwilę i spróbuj ponownie.
too-many-wait = Zbyt wiele prób. Spróbuj ponownie za { $wait }.
auth-down = Usługa logowania chwilowo nie odpowiada. Uruchomi się sama; spróbuj ponownie za kilka sekund.
otp-title = Drugi krok
otp-lead = Podaj kod, który pokazuje teraz aplikacja uwierzytelniająca, albo jeden z kodów odzyskiwania.
otp-code = Kod
otp-wrong = Ten kod jest nieprawidłowy lub został już użyty. Poczekaj na następny. Jeśli to się powtarza, porównaj czas telefonu z czasem urządzenia.
otp-too-late = Drugi krok trwał zbyt długo. Podaj hasło jeszcze raz.
otp-hint = Nie masz aplikacji? Wyłącz drugi składnik w konsoli urządzenia:
password-known = Hasło tego konta jest powszechnie znane: to hasło, z którym dostarczano oryginał. Wybierz inne, aby się zalogować.
password-new = Nowe hasło
password-new-title = Wybierz nowe hasło
start-again = Zacznij od nowa
