### Strony z błędami.

error-not-found = Nie ma takiej strony
error-not-found-text = Pod tym adresem nic nie ma. Być może program został usunięty.
error-forbidden = Brak uprawnień
error-forbidden-text = Twój poziom uprawnień na to nie pozwala.
error-cross-site = Żądanie odrzucone
error-cross-site-text = Żądanie nie pochodziło z naszej strony, więc nic nie zrobiono. Przejdź na stronę startową i spróbuj tam ponownie.
error-form = Czegoś brakuje
error-form-text = Formularz dotarł niekompletny. Wróć i wyślij go ponownie.
error-down = Usługa nie odpowiada
error-internal = Coś poszło nie tak
error-internal-text = Błąd zapisano w dzienniku control_service. Ponowna próba może pomóc.
error-conflict = Teraz to niemożliwe
error-method = Tak się nie da
error-method-text = Ten adres nie przyjmuje takich żądań.
