### Interfejsy usług.

api-title = Interfejsy dla programów
api-lead = Każda usługa opisuje swój interfejs HTTP; można go wypróbować od razu tutaj, z prawami twojej sesji.
api-auth = Użytkownicy, sesje i tokeny.
api-supervisor = Programy: lista, start, stop, dzienniki i zdarzenia.
api-email = Wysyłanie poczty.
api-info = Sieć, pogoda i urządzenie.
api-io = Linie GPIO: odczyt i ustawianie.
api-rules = Reguły, kanały i co zrobiły.
ca-title = Certyfikat
ca-lead = Zainstaluj ten certyfikat główny na telefonie lub komputerze, a przeglądarka zaufa temu urządzeniu bez ostrzeżeń.
ca-download = Pobierz certyfikat główny
ca-none = Nie ma certyfikatu głównego: brama jeszcze go nie utworzyła albo używa twojego własnego certyfikatu.
api-try = Wypróbuj
api-try-lead = Wywołania wychodzą w twoim imieniu, z prawami twojej sesji. Wywołanie, które coś zmienia, naprawdę to robi.
api-service = Usługa
api-needs-script = Ta strona wymaga JavaScriptu. Sam dokument:
