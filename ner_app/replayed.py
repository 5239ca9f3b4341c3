"""Passages that a model reads again while it is taught, so that it keeps what it knows.

Written for this page, of the kinds that people bring: news, results, mail, tickets, contracts, lists. The
model is shown its own reading of them, so they need no labels.
"""

from __future__ import annotations

__all__ = ["REPLAYED"]

REPLAYED = """\
The central bank of Hungary left its main rate unchanged on Thursday, said Reuters.
Leicester 2 Brighton 0
Tokyo 1996-08-30
1. Marta Lindqvist (Sweden) 2:14.6
Shares of Toyota and Honda fell in Tokyo after the yen rose against the dollar.
Prime Minister Anders Holm told Danish television that talks with Brussels would go on.
The Pakistani bowler took five wickets for 43 runs at Headingley.
Kim Novak, 34, of Cleveland, Ohio, was named chief executive of Harrow Steel Corp.
In the second round Argentina beat New Zealand by three goals to one.
The United Nations Security Council meets in New York on Friday.
It rained all day and the match was called off.
Nobody knows why the lights went out.
Please find the invoice attached; payment is due within thirty days.
Dear Ms. Okonkwo, thank you for your letter of 3 March.
This agreement is made between Fairview Holdings Ltd. and Carlos Mendez.
The Tenant shall pay the rent on the first day of each month.
My order 48213 from Amazon never came to Leeds. Can Julia please look into it?
The app closes when I press Save; it worked before the last update.
Boston at Toronto
Chicago Bulls 101, Utah Jazz 97
French police arrested four men near the Spanish border.
Dr. Helen Achterberg of the University of Utrecht studies storms over the North Sea.
He read "War and Peace" twice while he lived in Lisbon.
The Bundesliga season opens on Saturday with Bayern Munich against Schalke.
A spokeswoman for the World Health Organization in Geneva would not comment.
BEIJING - China said on Monday that exports grew by 4 percent.
The senator from Vermont, a Democrat, voted against the bill.
Wheat prices in Kansas City closed two cents lower.
Rafiq Hassan bowled to the left of the stumps, and Tendulkar did not move.
Volkswagen will build the engine in Salzgitter, not in Poland.
The Russian embassy in Nairobi denied the report in the Daily Nation.
On Tuesday the jury found Ray Dunmore guilty of fraud.
The Nobel Prize in chemistry went to two Americans.
Company, Contact, City
Northwind Traders, Laura Callahan, Seattle
From: Peter Vogel
Meeting notes: Aisha will call Deutsche Bank; Tom books the room in Zurich.
South Africa won the toss and chose to bat.
The old mill by the river burned down in 1954.
Hurricane warnings were in force from Miami to Savannah.
""".splitlines()
