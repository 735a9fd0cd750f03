using SLoRA.Text.Tokenization.Normalizers;
using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>
/// Replace: puts a text in place of every match within each token. Of a token that arrives in parts, such as a fused one, the end is
/// held back as long as it could be the start of a match.
/// </summary>
internal sealed class ReplaceDecoder(TextPattern pattern, string content) : TokenDecoder
{
    /// <summary>
    /// An expression that waits for more than this is refused: the stream would hold the whole text. So is a token that becomes more, as
    /// each of a chain of these can multiply its length.
    /// </summary>
    private const int MaxHeld = 1 << 18;

    /// <summary>How much of the text that was passed on an expression can still look back at.</summary>
    private const int Context = 128;

    public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(next, pattern, content);

    private sealed class Stage(DecoderStage next, TextPattern pattern, string content) : DecoderStage
    {
        private readonly CharBuffer _held = new();
        private readonly CharBuffer _text = new() { MaxLength = MaxHeld };
        private int _done;

        public override void Push(ReadOnlySpan<char> text, TokenPart part)
        {
            _text.Clear();
            if (part == TokenPart.Whole)
            {
                ReplaceNormalizer.Append(pattern, text, content, _text);
                next.Push(_text.Span, part);
                return;
            }

            if ((part & TokenPart.Begin) != 0)
            {
                _held.Clear();
                _done = 0;
            }

            _held.Append(text);
            if ((part & TokenPart.End) != 0)
            {
                var walk = new MatchWalk(pattern, _held.Span, _done);
                while (walk.Next(out int start, out int end, out bool isMatch))
                {
                    _text.Append(isMatch ? content : _held.Span[start..end]);
                }
            }
            else
            {
                if (pattern is LiteralPattern literal)
                {
                    ReplaceCertain(literal);
                }
                else
                {
                    ReplaceCertain((ExpressionPattern)pattern);
                }

                Forget();
            }

            next.Push(_text.Span, part);
        }

        public override void Finish() => next.Finish();

        // What was passed on stays for a while as context, for expressions that look back.
        private void Forget()
        {
            int drop = Math.Max(0, _done - Context);
            if (drop < _held.Length && drop > 0 && char.IsLowSurrogate(_held[drop]))
            {
                drop--;
            }

            _held.RemoveStart(drop);
            _done -= drop;
            if (_held.Length > MaxHeld)
            {
                throw TokenizerException.Limit("An expression of the decoder holds back too much text.");
            }
        }

        private void ReplaceCertain(LiteralPattern literal)
        {
            ReadOnlySpan<char> held = _held.Span;
            for (int at = held[_done..].IndexOf(literal.Sought); at >= 0; at = held[_done..].IndexOf(literal.Sought))
            {
                _text.Append(held.Slice(_done, at));
                _text.Append(content);
                _done += at + literal.Sought.Length;
            }

            int open = Math.Min(literal.Sought.Length - 1, held.Length - _done);
            while (open > 0 && !held[^open..].SequenceEqual(literal.Sought.AsSpan(0, open)))
            {
                open--;
            }

            _text.Append(held[_done..^open]);
            _done = held.Length - open;
        }

        private void ReplaceCertain(ExpressionPattern expression)
        {
            ReadOnlySpan<char> held = _held.Span;
            long budget = TextPattern.Budget(held.Length);
            while (true)
            {
                bool found = expression.TryFind(held, _done, ref budget, out int start, out int end, out int certain);
                if (!found || end > certain || start == end)
                {
                    certain = Math.Min(certain, found ? start : held.Length);
                    _text.Append(held[_done..certain]);
                    _done = certain;
                    return;
                }

                _text.Append(held[_done..start]);
                _text.Append(content);
                _done = end;
            }
        }
    }
}
