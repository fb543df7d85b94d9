# Days off by law in Poland (ustawa z 18 stycznia 1951 r. o dniach wolnych od pracy), besides Sundays. A rule a line:
#   fixed MM-DD [from YEAR] [until YEAR]      easter +DAYS      once YYYY-MM-DD
# To be checked by a lawyer when parliament changes the list; a day off for one year only is a line "once".
# Dni wolne od pracy; gdy ustawa się zmieni, wystarczy dopisać wiersz.
fixed 01-01                 # Nowy Rok
fixed 01-06 from 2011       # Trzech Króli
easter +0                   # Wielkanoc
easter +1                   # Poniedziałek Wielkanocny
fixed 05-01                 # Święto Państwowe
fixed 05-03                 # Święto Narodowe Trzeciego Maja
easter +49                  # Zielone Świątki
easter +60                  # Boże Ciało
fixed 08-15                 # Wniebowzięcie
fixed 11-01                 # Wszystkich Świętych
fixed 11-11                 # Narodowe Święto Niepodległości
fixed 12-24 from 2025       # Wigilia
fixed 12-25                 # Boże Narodzenie
fixed 12-26                 # Boże Narodzenie, drugi dzień
once 2018-11-12             # setna rocznica odzyskania niepodległości
