using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using SLoRA.Errors;

namespace SLoRA.Formats.Peft;

/// <summary>
/// Which modules of a model an adapter changes, by their names and exactly as PEFT decides it, and with what rank and alpha.
/// Created for one use on one thread: its regular expressions share a budget of time.
/// </summary>
internal sealed class TargetMatcher
{
    // What PEFT targets by default in every architecture that is served: llama, mistral, qwen2, qwen3.
    private static readonly ImmutableArray<string> DefaultTargets = ["q_proj", "v_proj"];

    private readonly PeftConfig _config;
    private readonly Action? _pause;
    private readonly FrozenSet<string> _names;
    private readonly FrozenSet<string> _excludedNames;
    private readonly PythonRegex? _expression;
    private readonly PythonRegex? _excludedExpression;
    private readonly ImmutableArray<PythonRegex> _layerExpressions = [];
    private readonly ImmutableArray<PatternKey> _rankKeys;
    private readonly ImmutableArray<PatternKey> _alphaKeys;
    private readonly bool _allLinear;

    /// <summary>Prepares the matching.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="pause">Called before each expression, match and name, so that others can work meanwhile; what it throws ends the
    /// matching. Null for nobody.</param>
    /// <exception cref="FormatError">A regular expression cannot be used.</exception>
    public TargetMatcher(PeftConfig config, Action? pause = null)
    {
        _config = config;
        _pause = pause;
        var budget = new RegexBudget(pause);
        string file = config.File;
        _names = (config.TargetModules?.Names ?? DefaultTargets).ToFrozenSet(StringComparer.Ordinal);
        _excludedNames = (config.ExcludeModules?.Names ?? []).ToFrozenSet(StringComparer.Ordinal);
        if (config.TargetModules?.Expression is { } expression)
        {
            _allLinear = expression.Equals("all-linear", StringComparison.OrdinalIgnoreCase);
            _expression = _allLinear ? null : PythonRegex.FullMatch(expression, budget, file, "target_modules");
        }

        if (config.ExcludeModules?.Expression is { } excluded)
        {
            _excludedExpression = PythonRegex.FullMatch(excluded, budget, file, "exclude_modules");
        }

        if (!config.LayersToTransform.IsEmpty)
        {
            ImmutableArray<string> patterns = config.LayersPattern.IsEmpty ? ["[^.]*"] : config.LayersPattern;
            _layerExpressions =
                [.. patterns.Select(pattern => PythonRegex.Match($@".*?\.{pattern}\.(\d+)\.", budget, file, "layers_pattern"))];
        }

        _rankKeys = [.. config.RankPattern.Select(pair => new PatternKey(pair.Key, "rank_pattern", budget, file))];
        _alphaKeys = [.. config.AlphaPattern.Select(pair => new PatternKey(pair.Key, "alpha_pattern", budget, file))];
    }

    /// <summary>Whether the adapter targets a module.</summary>
    /// <param name="module">The module's name in the model.</param>
    /// <param name="isInnerLinear">Whether it is a linear module other than the head: what "all-linear" means.</param>
    public bool Targets(string module, bool isInnerLinear)
    {
        if (Lists(_excludedNames, module) || _excludedExpression?.IsMatch(module) == true)
        {
            return false;
        }

        if (_allLinear)
        {
            return isInnerLinear;
        }

        if (_expression is not null)
        {
            return _expression.IsMatch(module);
        }

        // PEFT looks at the layer only if the name is not listed in full.
        return _names.Contains(module) || (Lists(_names, module) && IsInChosenLayer(module));
    }

    /// <summary>The rank and alpha of a targeted module.</summary>
    public (int Rank, double Alpha) RankAndAlpha(string module)
    {
        _pause?.Invoke();
        int rank = First(_rankKeys, module), alpha = First(_alphaKeys, module);
        int ownRank = _config.Ranks?.GetValueOrDefault(module) is { } own and > 0 ? own
            : rank < 0 ? _config.Rank : _config.RankPattern[rank].Value;
        return (ownRank, alpha < 0 ? _config.Alpha : _config.AlphaPattern[alpha].Value);
    }

    /// <summary>The listed names of target_modules that are none of these modules, and no end of one.</summary>
    public ImmutableArray<string> NamesWithoutModule(IReadOnlyCollection<string> modules)
    {
        if (_config.TargetModules is not { } targets)
        {
            return [];
        }

        HashSet<string> ends = [.. modules.SelectMany(Ends)];
        return [.. targets.Names.Where(name => !ends.Contains(name)).Distinct()];
    }

    /// <summary>Refuses pattern keys that match none of the targeted modules: their ranks or alphas would be lost silently.</summary>
    /// <exception cref="FormatError">There is such a key (kind <see cref="LoadErrorKind.Config"/>).</exception>
    public void CheckPatterns(IReadOnlyCollection<string> targeted)
    {
        Check("rank_pattern", [.. _config.RankPattern.Select(pair => pair.Key)], _rankKeys);
        Check("alpha_pattern", [.. _config.AlphaPattern.Select(pair => pair.Key)], _alphaKeys);

        void Check(string option, ImmutableArray<string> names, ImmutableArray<PatternKey> keys)
        {
            for (int at = 0; at < keys.Length; at++)
            {
                _pause?.Invoke();
                if (!targeted.Any(keys[at].IsMatch))
                {
                    throw new FormatError(
                        LoadErrorKind.Config, _config.File, option,
                        $"has the key {Shown.Name(names[at])}, which matches no targeted module");
                }
            }
        }
    }

    private bool IsInChosenLayer(string module)
    {
        if (_layerExpressions.IsEmpty)
        {
            return true;
        }

        foreach (PythonRegex expression in _layerExpressions)
        {
            if (expression.Group(module, 1) is { } number)
            {
                return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int layer)
                    && _config.LayersToTransform.Contains(layer);
            }
        }

        return false;
    }

    private static int First(ImmutableArray<PatternKey> keys, string module)
    {
        for (int at = 0; at < keys.Length; at++)
        {
            if (keys[at].IsMatch(module))
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>Whether a list has the name or an end of it that begins behind a dot.</summary>
    private static bool Lists(FrozenSet<string> names, string module)
    {
        FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> lookup = names.GetAlternateLookup<ReadOnlySpan<char>>();
        for (ReadOnlySpan<char> rest = module; ; rest = rest[(rest.IndexOf('.') + 1)..])
        {
            if (lookup.Contains(rest))
            {
                return true;
            }

            if (!rest.Contains('.'))
            {
                return false;
            }
        }
    }

    /// <summary>A name, and every end of it that begins behind a dot.</summary>
    private static IEnumerable<string> Ends(string module)
    {
        yield return module;
        for (int dot = module.IndexOf('.'); dot >= 0; dot = module.IndexOf('.', dot + 1))
        {
            yield return module[(dot + 1)..];
        }
    }
}
