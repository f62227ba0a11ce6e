# ruff: noqa: RUF001 - letters and punctuation of many scripts are the point of these texts
"""What people write to a help desk: several scripts, quotes, line breaks and emoji."""

from bisect import bisect_right
from functools import lru_cache
from random import Random

_SENTENCES_IN_CORPUS = 12_000
_SEPARATORS = (" ", " ", " ", " ", " ", "\n", "\n\n")

# U+2028 and U+0085 are line breaks to str.splitlines() and not to JSON: no reader may cut there.
_SENTENCES = (
    "Hello, my order {order} has not arrived yet.",
    "Could you please check the status of order {order}?",
    "The tracking page still says “label created”, and that was {days} days ago.",
    "Thanks for reaching out, I am happy to help you with that!",
    "I have just sent a new confirmation to the address on file.",
    "The zipper broke after {days} days, photo attached.",
    'It says "payment declined" although my bank shows the charge.',
    "May I exchange it for a size {size}?",
    "Your refund of {amount} USD was issued today; please allow {days} working days.",
    "That is perfect, thank you so much 😀",
    "Which size would you recommend for a chest of {amount} cm?",
    "I would like to cancel my subscription before the next renewal.",
    "The parcel was left at the neighbour's door, number {days}.",
    "We are sorry for the trouble this has caused.",
    "Is the blue one back in stock next week?",
    "Please find the details here: https://www.example.com/orders/{order}?ref=mail&lang=en",
    "I followed the steps:\n1. reset\n2. wait {days} minutes\n3. try again",
    "The path on my computer is C:\\Users\\me\\order_{order}.pdf, does that help?",
    "Columns:\tsize\tcolour\tprice",
    "Ich habe die falsche Größe erhalten und möchte sie zurückschicken.",
    "Können Sie mir bitte das Rücksendeetikett für {order} schicken?",
    "Bonjour, je n’ai toujours pas reçu ma commande n° {order}.",
    "Pourriez-vous vérifier l’adresse de livraison, s’il vous plaît ?",
    "¿Dónde está mi pedido {order}? ¡Lo necesito para el sábado!",
    "O código de desconto não funcionou na finalização da compra.",
    "注文番号{order}の返品をお願いします。",
    "ありがとうございます。とても助かりました🙏",
    "您好，我的订单{order}什么时候可以送到？",
    "Здравствуйте, подскажите, где мой заказ {order}?",
    "مرحبا، أود استبدال المنتج رقم {order}.",
    "שלום, ההזמנה {order} עדיין לא הגיעה.",
    "안녕하세요, 배송지를 변경하고 싶습니다.",
    "Καλησπέρα, θα ήθελα να αλλάξω το μέγεθος.",
    "नमस्ते, मेरा ऑर्डर {order} कब आएगा?",
    "Wrong item 😡 I ordered {size}, got a 👕 in XXL!!!",
    "Family of four 👨‍👩‍👧‍👦 and only {days} towels in the box 🤷🏽‍♀️",
    "First line of the address\u2028second line of the address",
    "Copied from an old mail client\u0085with its own line ends",
    "<b>Please</b> do not reply to this e-mail; the case number is {order} & it stays open.",
    "He said 'no', she said \"yes\", the form says {{size: '{size}'}}.",
    "I am a member since 20{days:02} and this never happened before.",
    "The courier's note reads: left at reception, signed by J.",
    "Let me look into this for you, one moment please.",
    "I have added a {days} % discount to your account for the inconvenience.",
    "Can somebody call me back this afternoon?",
    "The total was {amount}.99 instead of {amount}.49, why?",
    "Everything else in the parcel was fine.",
    "Our warehouse confirmed that order {order} leaves tomorrow morning.",
    "Would a replacement work for you, or do you prefer your money back?",
    "ok",
    "Sent from my phone",
)


class TextCorpus:
    """A long text made once, of which every body is a run of whole sentences."""

    def __init__(self, seed: int) -> None:
        generator = Random(seed)  # noqa: S311 - must repeat, not be secret
        pieces: list[str] = []
        self._starts: list[int] = []
        length = 0
        for _ in range(_SENTENCES_IN_CORPUS):
            sentence = generator.choice(_SENTENCES).format(
                order=generator.randrange(100_000, 1_000_000),
                days=generator.randrange(2, 25),
                size=generator.choice(("S", "M", "L", "42", "10½")),
                amount=generator.randrange(10, 300),
            )
            piece = sentence + generator.choice(_SEPARATORS)
            self._starts.append(length)
            pieces.append(piece)
            length += len(piece)
        self._text = "".join(pieces)

    def sentences(self, where: float, count: int) -> str:
        """Return `count` sentences that begin at the share `where` (0 to 1) of the corpus."""
        first = int(where * (len(self._starts) - count))
        return self._text[self._starts[first] : self._starts[first + count]].rstrip()

    def passage(self, where: float, characters: int) -> str:
        """Return whole sentences from `where` on, about `characters` long and never longer."""
        first = int(where * (len(self._starts) - characters))
        start = self._starts[first]
        end = self._starts[bisect_right(self._starts, start + characters) - 1]
        return self._text[start:end].rstrip()


@lru_cache(maxsize=4)
def text_corpus(seed: int) -> TextCorpus:
    """Return the corpus of a seed, built on first use and shared from then on."""
    return TextCorpus(seed)
