using SLoRA.Text.Tokenization.PostProcessors;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the section <c>post_processor</c>.</summary>
internal static class PostProcessorReader
{
    private const int MaxIds = 1024;

    public static PostProcessor Read(ConfigNode node)
    {
        if (node.IsNull)
        {
            return PostProcessor.None;
        }

        switch (node.Type)
        {
            // Trims offsets, which are not kept.
            case "ByteLevel":
                return PostProcessor.None;
            case "TemplateProcessing":
                return Template(node);
            case "BertProcessing":
                return Around(node, Bert);
            case "RobertaProcessing":
                return Around(node, Roberta);
            case "Sequence":
                return Sequence(node);
            default:
                throw node.Unknown("post-processor");
        }
    }

    private static PostProcessor Sequence(ConfigNode node)
    {
        PostProcessor result = PostProcessor.None;
        foreach (ConfigNode item in node["processors"].Items())
        {
            PostProcessor next = Read(item);
            if (next == PostProcessor.None)
            {
                continue;
            }

            if (result != PostProcessor.None)
            {
                throw TokenizerException.Unsupported(
                $"{item.Path} is a second post-processor that adds tokens, which is not implemented.");
            }

            result = next;
        }

        return result;
    }

    private static PostProcessor Bert(int[] cls, int[] sep) => new(
        [TemplatePiece.Special(cls, 0), TemplatePiece.First(0), TemplatePiece.Special(sep, 0)],
        [TemplatePiece.Special(cls, 0), TemplatePiece.First(0), TemplatePiece.Special(sep, 0), TemplatePiece.Second(1),
            TemplatePiece.Special(sep, 1)]);

    private static PostProcessor Roberta(int[] cls, int[] sep) => new(
        [TemplatePiece.Special(cls, 0), TemplatePiece.First(0), TemplatePiece.Special(sep, 0)],
        [
            TemplatePiece.Special(cls, 0), TemplatePiece.First(0), TemplatePiece.Special(sep, 0),
            TemplatePiece.Special(sep, 0), TemplatePiece.Second(0), TemplatePiece.Special(sep, 0),
        ]);

    private static PostProcessor Around(ConfigNode node, Func<int[], int[], PostProcessor> make)
    {
        (string Token, int Id) cls = Special(node["cls"]);
        (string Token, int Id) sep = Special(node["sep"]);
        PostProcessor result = make([cls.Id], [sep.Id]);
        return new PostProcessor(result.Single, result.Pair) { Named = [cls, sep] };
    }

    // A pair of token and id; the id counts.
    private static (string Token, int Id) Special(ConfigNode node)
    {
        ConfigNode[] pair = [.. node.Items()];
        if (pair.Length != 2)
        {
            throw node.Wrong("a pair of token and id");
        }

        return (pair[0].String(), pair[1].Int(-1));
    }

    private static PostProcessor Template(ConfigNode node)
    {
        var specials = new Dictionary<string, int[]>();
        foreach ((string name, ConfigNode value) in node["special_tokens"].Members())
        {
            specials[name] =
            [.. value["ids"].Items().Select(id => id.Int(-1))];
        }

        return new PostProcessor(Pieces(node["single"], specials, pair: false), Pieces(node["pair"], specials, pair: true))
        {
            Named = [.. specials.Where(special => special.Value.Length == 1).Select(special => (special.Key, special.Value[0]))],
        };
    }

    private static TemplatePiece[] Pieces(ConfigNode node, Dictionary<string, int[]> specials, bool pair)
    {
        if (node.IsNull && pair)
        {
            return [TemplatePiece.First(0), TemplatePiece.Second(1)];
        }

        TemplatePiece[] pieces = [.. node.Items().Select(item => PieceOf(item, specials))];
        if (pieces.Sum(piece => (long)piece.Ids.Length) > MaxIds)
        {
            throw node.Wrong($"a template that adds at most {MaxIds} ids");
        }

        bool second = pieces.Any(p => p.Kind == TemplatePieceKind.Second);
        if (second != pair)
        {
            throw node.Wrong(pair ? "a template with $B" : "a template without $B");
        }

        return pieces;
    }

    private static TemplatePiece PieceOf(ConfigNode node, Dictionary<string, int[]> specials)
    {
        ConfigNode sequence = node["Sequence"];
        if (!sequence.IsNull)
        {
            int type = sequence["type_id"].Int(0);
            return sequence["id"].String() switch
            {
                "A" => TemplatePiece.First(type),
                "B" => TemplatePiece.Second(type),
                _ => throw sequence["id"].Wrong("A or B"),
            };
        }

        ConfigNode special = node["SpecialToken"];
        if (special.IsNull)
        {
            throw node.Wrong("an object with Sequence or SpecialToken");
        }

        string token = special["id"].String();
        if (!specials.TryGetValue(token, out int[]? ids))
        {
            throw TokenizerException.Format(
            $"{node.Path} uses {Excerpt.Of(token)}, which the template's special_tokens lack.");
        }

        return TemplatePiece.Special(ids, special["type_id"].Int(0));
    }
}
