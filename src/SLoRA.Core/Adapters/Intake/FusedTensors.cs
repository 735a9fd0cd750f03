using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Formats.Peft;
using SLoRA.Models;
using SLoRA.Models.Blocks;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// The factors of parameters that hold a matrix for every expert. PEFT wraps a module once for each of its targeted parameters, in their
/// order, so the last one has the module's own name and each one before it <c>.base_layer</c> more.
/// </summary>
internal sealed class FusedTensors
{
    private const string Inner = ".base_layer";

    private static readonly Version InputsLast = new(0, 19, 1);
    private static readonly Version MarkedOtherwise = new(0, 19, 0);

    private readonly Dictionary<string, ImmutableArray<ExpertParameter>> _wrapped = new(StringComparer.Ordinal);
    private readonly HashSet<string> _modules = new(StringComparer.Ordinal);
    private readonly Dictionary<(ExpertParameter Parameter, bool IsFirst), TensorEntry> _factors = [];
    private readonly string _file;

    /// <summary>Prepares for a file.</summary>
    /// <param name="file">The name that errors call it by.</param>
    /// <param name="all">The parameters of the model.</param>
    /// <param name="targeted">Those that the adapter targets.</param>
    public FusedTensors(string file, IEnumerable<ExpertParameter> all, ImmutableArray<ExpertParameter> targeted)
    {
        _file = file;
        foreach (ExpertParameter parameter in all)
        {
            _modules.Add(parameter.Module);
            if (parameter.Alias is { } alias)
            {
                _modules.Add(alias);
            }
        }

        foreach (IGrouping<string, ExpertParameter> module in targeted.GroupBy(parameter => parameter.Module))
        {
            ImmutableArray<ExpertParameter> wrapped = [.. module.OrderBy(parameter => parameter.Place)];
            _wrapped.Add(module.Key, wrapped);
            if (wrapped[0].Alias is { } alias)
            {
                _wrapped.Add(alias, wrapped);
            }
        }
    }

    /// <summary>Gives a tensor its place if it is a factor of all experts; whether it is one.</summary>
    /// <exception cref="FormatError">It is one of a parameter that the adapter does not target, or another has its place.</exception>
    public bool Take(TensorEntry tensor, PeftTensorKey key)
    {
        if (key.Role is not (PeftTensorRole.A or PeftTensorRole.B))
        {
            return false;
        }

        foreach (string candidate in key.Candidates())
        {
            string module = candidate;
            int depth = 0;
            for (; module.EndsWith(Inner, StringComparison.Ordinal); depth++)
            {
                module = module[..^Inner.Length];
            }

            if (_modules.Contains(module))
            {
                Add(tensor, key.Role == PeftTensorRole.A, module, depth);
                return true;
            }
        }

        return false;
    }

    /// <summary>The modules that a targeted parameter comes to: one for each expert.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="targets">The module of each expert.</param>
    /// <param name="config">The adapter's configuration.</param>
    /// <param name="rank">The rank of the parameter.</param>
    /// <param name="alpha">Its alpha.</param>
    /// <exception cref="FormatError">A factor is missing or of another shape, or nothing says which way round they lie.</exception>
    public IEnumerable<AdapterModule> Modules(
        ExpertParameter parameter, ImmutableArray<TargetModule> targets, PeftConfig config, int rank, double alpha)
    {
        TensorEntry first = Factor(parameter, isFirst: true), second = Factor(parameter, isFirst: false);
        bool isSwapped = IsSwapped(parameter, config, rank, first, second);
        (TensorEntry a, TensorEntry b) = isSwapped ? (second, first) : (first, second);
        for (int expert = 0; expert < targets.Length; expert++)
        {
            yield return new AdapterModule(
                targets[expert], rank, config.Scale(rank, alpha), Slice(a, rank, parameter.Inputs), Slice(b, parameter.Outputs, rank))
            {
                Slice = new ExpertSlice(first, second, expert, parameter.Experts, isSwapped),
            };
        }
    }

    private static TensorEntry Slice(TensorEntry of, int rows, int columns) =>
        of with { Shape = [rows, columns], Length = (long)rows * columns * of.Type.ElementSize() };

    private void Add(TensorEntry tensor, bool isFirst, string module, int depth)
    {
        if (!_wrapped.TryGetValue(module, out ImmutableArray<ExpertParameter> wrapped) || depth >= wrapped.Length)
        {
            throw Error(LoadErrorKind.Tensor, tensor, $"is for a parameter of {module} that the configuration does not target");
        }

        if (!tensor.Type.IsWeight())
        {
            throw Error(LoadErrorKind.Tensor, tensor, $"has the type {tensor.Type}; F32, F16 and BF16 are served");
        }

        ExpertParameter parameter = wrapped[^(depth + 1)];
        if (!_factors.TryAdd((parameter, isFirst), tensor))
        {
            throw Error(
                LoadErrorKind.Tensor, tensor,
                $"and {Shown.Name(_factors[(parameter, isFirst)].Name)} are both for {parameter.Module}.{parameter.Name}");
        }
    }

    private TensorEntry Factor(ExpertParameter parameter, bool isFirst)
    {
        if (_factors.TryGetValue((parameter, isFirst), out TensorEntry? tensor))
        {
            return tensor;
        }

        ImmutableArray<ExpertParameter> wrapped = _wrapped[parameter.Module];
        string inner = string.Concat(Enumerable.Repeat(Inner, wrapped.Length - 1 - wrapped.IndexOf(parameter)));
        throw new FormatError(
            LoadErrorKind.Tensor, _file,
            PeftTensorKey.Name((parameter.Alias ?? parameter.Module) + inner, isFirst ? PeftTensorRole.A : PeftTensorRole.B),
            $"is missing, although the configuration targets {parameter.Name}");
    }

    /// <summary>Shapes decide which way round the factors lie; where they fit both ways, the version of PEFT does.</summary>
    private bool IsSwapped(ExpertParameter parameter, PeftConfig config, int rank, TensorEntry first, TensorEntry second)
    {
        long ranks = (long)parameter.Experts * rank;
        if (first.Shape is not [long firstRanks, long width] || firstRanks != ranks)
        {
            throw Wrong(first, $"[{ranks}, {parameter.Inputs}]");
        }

        if (second.Shape is not [long height, long secondRanks] || secondRanks != ranks)
        {
            throw Wrong(second, $"[{parameter.Outputs}, {ranks}]");
        }

        bool usual = width == parameter.Inputs && height == parameter.Outputs;
        bool swapped = width == parameter.Outputs && height == parameter.Inputs;
        if (!usual && !swapped)
        {
            bool isFirst = width != parameter.Inputs && width != parameter.Outputs;
            TensorEntry wrong = isFirst ? first : second;
            throw Error(
                LoadErrorKind.Incompatible, wrong,
                $"has the shape {wrong.ShapeText}; {parameter.Module}.{parameter.Name} of this model has {parameter.Inputs} inputs and "
                    + $"{parameter.Outputs} outputs");
        }

        if (usual != swapped)
        {
            return swapped;
        }

        if (config.PeftVersion is not { } version)
        {
            throw new FormatError(
                LoadErrorKind.Incompatible, config.File, "peft_version",
                $"does not say which version wrote the file, so {Shown.Name(first.Name)} is ambiguous: inputs and outputs are equally "
                    + "many, and the factors of experts lie the other way round before 0.19.1");
        }

        return parameter.Order switch
        {
            ExpertOrder.OutputsFirst => version < InputsLast,
            ExpertOrder.InputsFirst => version >= InputsLast,
            _ => version == MarkedOtherwise,
        };

        FormatError Wrong(TensorEntry tensor, string expected) => Error(
            LoadErrorKind.Tensor, tensor,
            $"has the shape {tensor.ShapeText}; the configuration gives {parameter.Name} the rank {rank}, so {expected} is expected for "
                + $"{parameter.Experts} experts");
    }

    private FormatError Error(LoadErrorKind kind, TensorEntry tensor, string problem) => new(kind, _file, tensor.Name, problem);
}
