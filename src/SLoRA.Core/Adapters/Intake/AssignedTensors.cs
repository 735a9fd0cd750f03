using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Formats.Peft;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>The tensors of a file by module and role. Every one of them found its place, and none found it twice.</summary>
internal sealed class AssignedTensors
{
    private readonly Dictionary<(int Module, bool IsA), TensorEntry> _matrices = [];
    private readonly Dictionary<int, TensorEntry> _bases = [];
    private readonly string _file;
    private readonly Func<string, PeftTensorRole, string> _nameOf;
    private readonly ImmutableArray<TargetModule> _targets;

    private AssignedTensors(AdapterReader reader, ImmutableArray<TargetModule> targets)
    {
        _file = reader.File;
        _nameOf = reader.NameOf;
        _targets = targets;
    }

    /// <summary>The copies of base weights, in the model's order.</summary>
    public ImmutableArray<BaseMatrix> BaseMatrices =>
        [.. _targets.Where(target => _bases.ContainsKey(target.Index)).Select(target => new BaseMatrix(target, _bases[target.Index]))];

    /// <summary>A of a targeted module.</summary>
    /// <exception cref="FormatError">The file has none.</exception>
    public TensorEntry A(TargetModule target) => Matrix(target, isA: true);

    /// <summary>B of a targeted module.</summary>
    /// <exception cref="FormatError">The file has none.</exception>
    public TensorEntry B(TargetModule target) => Matrix(target, isA: false);

    /// <summary>All A, or all B, of the modules that bear the same last name: those that have the same shape in most models.</summary>
    public IEnumerable<(TargetModule Target, TensorEntry Tensor)> Siblings(TargetModule target, bool isA) => _targets
        .Where(other => LastName(other) == LastName(target) && _matrices.ContainsKey((other.Index, isA)))
        .Select(other => (other, _matrices[(other.Index, isA)]));

    /// <summary>Gives every tensor its place.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="targets">The modules of the model.</param>
    /// <param name="targeted">The indices of those that the configuration targets.</param>
    /// <param name="matcher">What the configuration targets, also outside this model.</param>
    /// <param name="pause">Called before each tensor, so that others can work meanwhile; null for nobody.</param>
    /// <exception cref="FormatError">A tensor has no place, or another has it already.</exception>
    public static AssignedTensors Assign(
        AdapterReader reader, ImmutableArray<TargetModule> targets, IReadOnlySet<int> targeted, TargetMatcher matcher, Action? pause = null)
    {
        var result = new AssignedTensors(reader, targets);
        Dictionary<string, TargetModule> byName = targets.ToDictionary(target => target.Name, StringComparer.Ordinal);
        foreach (TensorEntry tensor in reader.Tensors)
        {
            pause?.Invoke();
            if (reader.KeyOf(tensor) is not { } key)
            {
                throw result.NotPlain(tensor);
            }

            TargetModule target = key.Candidates().Select(name => byName.GetValueOrDefault(name)).FirstOrDefault(found => found is not null)
                ?? throw result.NoModule(tensor, key, matcher);
            if (!tensor.Type.IsWeight())
            {
                throw result.Error(LoadErrorKind.Tensor, tensor, $"has the type {tensor.Type}; F32, F16 and BF16 are served");
            }

            if (key.Role == PeftTensorRole.Base)
            {
                result.AddBase(tensor, target, targeted.Contains(target.Index));
            }
            else if (!targeted.Contains(target.Index))
            {
                throw result.Error(LoadErrorKind.Tensor, tensor, $"is for {target.Name}, which the configuration does not target");
            }
            else
            {
                result.AddMatrix(tensor, target, key.Role);
            }
        }

        return result;
    }

    private void AddMatrix(TensorEntry tensor, TargetModule target, PeftTensorRole role)
    {
        bool forEmbedding = role is PeftTensorRole.EmbeddingA or PeftTensorRole.EmbeddingB;
        if (forEmbedding != (target.Kind == TargetKind.Embedding))
        {
            throw Error(
                LoadErrorKind.Tensor, tensor,
                $"is the matrix of {(forEmbedding ? "an embedding" : "a linear module")}, which {target.Name} is not");
        }

        var place = (target.Index, role is PeftTensorRole.A or PeftTensorRole.EmbeddingA);
        if (!_matrices.TryAdd(place, tensor))
        {
            throw Twice(_matrices[place], tensor, target);
        }
    }

    /// <summary>PEFT saves the weights of targeted embeddings and heads, and of resized ones, and loads them over the base.</summary>
    private void AddBase(TensorEntry tensor, TargetModule target, bool isTargeted)
    {
        bool asBaseLayer = tensor.Name.EndsWith(".base_layer.weight", StringComparison.Ordinal);
        if (asBaseLayer ? !isTargeted : target.Kind == TargetKind.Linear)
        {
            throw Error(LoadErrorKind.Tensor, tensor, $"is a weight of {target.Name}, which the configuration does not ask for");
        }

        if (!_bases.TryAdd(target.Index, tensor))
        {
            throw Twice(_bases[target.Index], tensor, target);
        }
    }

    private TensorEntry Matrix(TargetModule target, bool isA)
    {
        if (_matrices.TryGetValue((target.Index, isA), out TensorEntry? tensor))
        {
            return tensor;
        }

        PeftTensorRole role = (isA, target.Kind == TargetKind.Embedding) switch
        {
            (true, true) => PeftTensorRole.EmbeddingA,
            (true, false) => PeftTensorRole.A,
            (false, true) => PeftTensorRole.EmbeddingB,
            (false, false) => PeftTensorRole.B,
        };
        string name = _nameOf(target.Name, role);
        throw new FormatError(LoadErrorKind.Tensor, _file, name, "is missing, although the configuration targets its module");
    }

    private FormatError NotPlain(TensorEntry tensor) => ForeignTensor.Problem(tensor.Name) is { } foreign
        ? Error(foreign.Kind, tensor, foreign.Problem)
        : Error(LoadErrorKind.Tensor, tensor, "is no tensor of plain LoRA");

    private FormatError NoModule(TensorEntry tensor, PeftTensorKey key, TargetMatcher matcher)
    {
        if (ForeignTensor.Problem(tensor.Name) is { } foreign)
        {
            return Error(foreign.Kind, tensor, foreign.Problem);
        }

        // An adapter that targets what this model lacks is for another one; a tensor that it does not even target is a stray.
        bool wanted = key.Role != PeftTensorRole.Base && key.Candidates().Any(name => matcher.Targets(name, isInnerLinear: true));
        return Error(wanted ? LoadErrorKind.Incompatible : LoadErrorKind.Tensor, tensor, "belongs to no module of the base model");
    }

    private FormatError Twice(TensorEntry first, TensorEntry second, TargetModule target) =>
        Error(LoadErrorKind.Tensor, second, $"and {Shown.Name(first.Name)} are both for {target.Name}");

    private FormatError Error(LoadErrorKind kind, TensorEntry tensor, string problem) => new(kind, _file, tensor.Name, problem);

    private static string LastName(TargetModule target) => target.Name[(target.Name.LastIndexOf('.') + 1)..];
}
