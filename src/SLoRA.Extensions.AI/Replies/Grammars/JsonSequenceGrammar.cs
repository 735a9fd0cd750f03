using SLoRA.Extensions.AI.Replies.Json;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>JSON objects with name and parameters behind each other, with semicolons, commas or whitespace between them.</summary>
/// <param name="declared">The names that are calls; null for any name.</param>
internal sealed class JsonSequenceGrammar(DeclaredTools? declared) : CallGrammar
{
    private JsonBody? _body = new();

    public override Outcome Read(HeldText text)
    {
        while (true)
        {
            if (_body is null)
            {
                while (!text.AtEnd && (text.Current is ';' or ',' || char.IsWhiteSpace(text.Current)))
                {
                    text.Position++;
                }

                if (text.AtEnd)
                {
                    return text.IsComplete ? Outcome.Done : Outcome.More;
                }

                if (text.Current != '{')
                {
                    // Text behind the calls, with what stands before it.
                    text.Position = 0;
                    return Outcome.Done;
                }

                _body = new JsonBody();
            }

            Match body = _body.Take(text);
            if (body != Match.Yes)
            {
                return Unless(body);
            }

            string json = _body.Of(text);
            if ((declared is null ? CallObject.ReadMarked(json) : CallObject.ReadUnmarked(json, declared)) is not { } call)
            {
                return Outcome.Failed;
            }

            Found(call, text);
            _body = null;
        }
    }
}
