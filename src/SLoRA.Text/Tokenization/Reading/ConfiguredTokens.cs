using System.Globalization;
using SLoRA.Text.Tokenization.AddedTokens;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>
/// What the files beside tokenizer.json say of tokens: which ones have a role (<c>eos_token</c> ...), and which are to be added to those of
/// tokenizer.json. Precedence as in transformers 5: with <c>added_tokens_decoder</c> in tokenizer_config.json that file alone counts,
/// without it special_tokens_map.json goes before it and added_tokens.json is read too.
/// </summary>
internal sealed class ConfiguredTokens
{
    private const string Config = "tokenizer_config.json";
    private const string Map = "special_tokens_map.json";
    private const string Decoder = "added_tokens_decoder";
    private const string Extra = "extra_special_tokens";
    private const string OlderExtra = "additional_special_tokens";
    private const string Pad = "pad_token";

    private static readonly string[] StandardRoles = ["bos_token", "eos_token", "unk_token", "sep_token", Pad, "cls_token", "mask_token"];

    private readonly Dictionary<string, AddedToken> _roles = [];
    private readonly List<AddedToken> _listed = [];
    private readonly List<AddedToken> _extra = [];
    private bool _padIsStated;
    private bool _listedCounts;

    /// <summary>Nothing, as beside a tokenizer.json alone.</summary>
    public static ConfiguredTokens None { get; } = new() { _padIsStated = true };

    /// <summary>Reads the nodes of the three files, which are null for those that are not there.</summary>
    public static ConfiguredTokens Read(ConfigNode config, ConfigNode map, ConfigNode added, List<string> warnings)
    {
        var tokens = new ConfiguredTokens();
        bool hasDecoder = !config[Decoder].IsNull;
        tokens.ReadRoles(config, Config);
        tokens.ReadMap(map, hasDecoder, warnings);
        tokens._padIsStated = config.Has(Pad) || (!hasDecoder && map.Has(Pad));
        tokens.ReadExtra(config.Has(Extra) ? config[Extra] : config[OlderExtra], Config);
        if (!hasDecoder)
        {
            bool isNamed = map.Has(Extra) || config.Has(Extra) || config.Has(OlderExtra);
            tokens.ReadExtra(isNamed ? map[Extra] : map[OlderExtra], Map);
        }

        tokens._listedCounts = hasDecoder;
        if (hasDecoder)
        {
            tokens.ReadDecoder(config[Decoder]);
        }
        else if (!added.IsNull)
        {
            tokens.ReadAdded(added);
        }

        return tokens;
    }

    /// <summary>
    /// The roles with the content of their tokens. A padding section of tokenizer.json names the pad token where no other file does.
    /// </summary>
    public IReadOnlyDictionary<string, string> Roles(string? paddingToken)
    {
        var roles = new Dictionary<string, string>();
        foreach ((string role, AddedToken token) in _roles)
        {
            roles[role] = token.Content;
        }

        if (!_padIsStated && paddingToken is not null)
        {
            roles.TryAdd(Pad, paddingToken);
        }

        return roles;
    }

    /// <summary>
    /// The tokens to add to those of tokenizer.json, in the order in which new ones get their ids. Those of a role are special.
    /// </summary>
    public IReadOnlyList<AddedToken> ToAdd(IReadOnlyList<AddedToken> ofFile, string? paddingToken, List<string> warnings)
    {
        var known = new Dictionary<string, AddedToken>();
        foreach (AddedToken token in ofFile)
        {
            known[token.Content] = token;
        }

        // What tokenizer_config.json lists replaces the flags of tokenizer.json; added_tokens.json is older than both and only adds.
        List<AddedToken> result = [.. _listed.Where(token => _listedCounts || !known.ContainsKey(token.Content))];
        foreach (AddedToken token in result)
        {
            known[token.Content] = token;
        }

        var roles = new Dictionary<string, AddedToken>(_roles);
        if (!_padIsStated
            && paddingToken is not null)
        {
            roles.TryAdd(Pad, new AddedToken { Content = paddingToken, Origin = "padding of tokenizer.json" });
        }

        foreach (string role in StandardRoles.Concat(roles.Keys.Except(StandardRoles)))
        {
            if (!roles.TryGetValue(role, out AddedToken? token))
            {
                continue;
            }

            // A token that is listed keeps the flags it has there.
            AddedToken flags = known.GetValueOrDefault(token.Content, token);
            result.Add(flags with { Special = true, Origin = token.Origin, StatedId = null });
            known[token.Content] = result[^1];
        }

        foreach (AddedToken token in _extra)
        {
            if (known.TryAdd(token.Content, token))
            {
                result.Add(token);
            }
            else if (token.Special && known[token.Content] is { Special: false } other)
            {
                warnings.Add(
                    $"{Excerpt.Of(token.Content)} is named by {token.Origin}, and has special: false in {other.Origin}, which counts.");
            }
        }

        return result;
    }

    private static bool IsRole(string name) => name.EndsWith("_token", StringComparison.Ordinal);

    private static string OriginOf(string role, string file) => $"{role} of {file}";

    private void ReadRoles(ConfigNode node, string file)
    {
        if (node.IsNull)
        {
            return;
        }

        foreach ((string role, ConfigNode value) in node.Members())
        {
            if (!IsRole(role) || AddedTokenReader.ReadEither(value, special: false) is not AddedToken token)
            {
                continue;
            }

            _roles[role] = token with { Origin = OriginOf(role, file) };
        }
    }

    private void ReadMap(ConfigNode map, bool hasDecoder, List<string> warnings)
    {
        if (map.IsNull)
        {
            return;
        }

        foreach ((string role, ConfigNode value) in map.Members())
        {
            if (!IsRole(role))
            {
                continue;
            }

            AddedToken? mapped = AddedTokenReader.ReadEither(value, special: true);
            string? ours = _roles.TryGetValue(role, out AddedToken? token) ? token.Content : null;
            if (ours != mapped?.Content && (hasDecoder || ours is not null))
            {
                string counts = hasDecoder ? $"{Config}, which has {Decoder}, counts" : $"{Map} counts, as {Config} has no {Decoder}";
                warnings.Add($"{role} is {Shown(ours)} in {Config} and {Shown(mapped?.Content)} in {Map}; {counts}.");
            }

            if (hasDecoder)
            {
                continue;
            }

            if (mapped is null)
            {
                _roles.Remove(role);
            }
            else
            {
                _roles[role] = mapped with { Origin = OriginOf(role, Map) };
            }
        }
    }

    private static string Shown(string? token) => token is null ? "nothing" : Excerpt.Of(token);

    // A list of tokens, or an object of roles that models have of their own.
    private void ReadExtra(ConfigNode node, string file)
    {
        switch (node.Kind)
        {
            case System.Text.Json.JsonValueKind.Object:
                foreach ((string role, ConfigNode value) in node.Members())
                {
                    _roles[role] =
                    Token(value) with { Origin = OriginOf(role, file) };
                }

                break;
            case System.Text.Json.JsonValueKind.Array:
                foreach (ConfigNode item in node.Items())
                {
                    _extra.Add(Token(item) with { Origin = $"{Extra} of {file}" });
                }

                break;
            default:
                if (!node.IsNull)
                {
                    throw node.Wrong("a list of tokens or an object of roles");
                }

                break;
        }

        static AddedToken Token(ConfigNode node) =>
            AddedTokenReader.ReadEither(node, special: true) ?? throw node.Wrong("a token: a string, or an object with content");
    }

    private void ReadDecoder(ConfigNode decoder)
    {
        foreach ((string id, ConfigNode value) in decoder.Members())
        {
            if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                throw TokenizerException.Format($"{Excerpt.Of(value.Path)}: the name of the member must be an id.");
            }

            _listed.Add(AddedTokenReader.ReadObject(value, special: false) with { StatedId = number, Origin = Config });
        }

        _listed.Sort((a, b) => a.StatedId!.Value.CompareTo(b.StatedId!.Value));
    }

    // The way of the oldest folders: contents and ids, special where another file says so.
    private void ReadAdded(ConfigNode added)
    {
        HashSet<string> special = [.. _roles.Values.Concat(_extra).Select(token => token.Content)];
        foreach ((string content, ConfigNode id) in added.Members())
        {
            bool isSpecial = special.Contains(content);
            var token = new AddedToken { Content = content, StatedId = id.Int(-1), Special = isSpecial, Normalized = !isSpecial };
            _listed.Add(token with { Origin = "added_tokens.json" });
        }

        _listed.Sort((a, b) => a.StatedId!.Value.CompareTo(b.StatedId!.Value));
    }
}
