using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>Compares the shapes of an adapter's matrices with its configuration and with the model.</summary>
internal sealed class ShapeCheck(string file, AssignedTensors tensors)
{
    /// <summary>Checks A [rank, in] or B [out, rank].</summary>
    /// <exception cref="FormatError">
    /// The shape is wrong: kind <see cref="LoadErrorKind.Tensor"/>, or <see cref="LoadErrorKind.Incompatible"/> if the matrices of all
    /// modules of this name agree on another size than the model's.
    /// </exception>
    public void Check(TargetModule target, TensorEntry tensor, int rank, bool isA)
    {
        int features = isA ? target.InFeatures : target.OutFeatures;
        string expected = isA ? $"[{rank}, {features}]" : $"[{features}, {rank}]";
        if (tensor.Shape.Length != 2)
        {
            throw Error(LoadErrorKind.Tensor, tensor, $"has the shape {tensor.ShapeText}, expected {expected}");
        }

        if (tensor.Shape[isA ? 0 : 1] != rank)
        {
            throw Error(
                LoadErrorKind.Tensor,
                tensor,
                $"has the shape {tensor.ShapeText}; the configuration gives its module the rank {rank}, so {expected} is expected");
        }

        if (tensor.Shape[isA ? 1 : 0] == features)
        {
            return;
        }

        bool all = tensors.Siblings(target, isA).All(sibling => IsOfOtherModel(sibling.Target, sibling.Tensor, isA));
        throw Error(
            all ? LoadErrorKind.Incompatible : LoadErrorKind.Tensor,
            tensor,
            $"has the shape {tensor.ShapeText}, for {target.Name} of this model {expected} is expected");
    }

    /// <summary>Checks what an adapter has for a module besides A and B.</summary>
    /// <exception cref="FormatError">A shape is wrong.</exception>
    public void Check(AdapterChange change)
    {
        TargetModule target = change.Target;
        if (change.Rows is { } rows)
        {
            long count = change.Ids.IsEmpty ? WantedTensors.RowsOf(target) : change.Ids.Length;
            ReadOnlySpan<long> expected = target.Kind == TargetKind.Norm ? [target.InFeatures] : [count, WantedTensors.ColumnsOf(target)];
            // Rows that are too many or too few for the list are that file's error, another vocabulary or another width another model's.
            bool isOther = change.Ids.IsEmpty || (rows.Shape.Length == 2 && rows.Shape[0] == count);
            Expect(rows, target, isOther ? LoadErrorKind.Incompatible : LoadErrorKind.Tensor, expected);
        }

        foreach (TensorEntry? vector in (ReadOnlySpan<TensorEntry?>)[change.Bias, change.LoraBias, change.Magnitude])
        {
            if (vector is not null)
            {
                Expect(vector, target, LoadErrorKind.Tensor, [target.OutFeatures]);
            }
        }
    }

    private void Expect(TensorEntry tensor, TargetModule target, LoadErrorKind kind, ReadOnlySpan<long> expected)
    {
        if (!tensor.Shape.AsSpan().SequenceEqual(expected))
        {
            throw Error(kind, tensor,
                $"has the shape {tensor.ShapeText}, for {target.Name} of this model [{string.Join(", ", expected.ToArray())}] is expected");
        }
    }

    /// <summary>Checks the copy of a base weight, [out, in]; for an embedding [vocabulary, hidden].</summary>
    /// <exception cref="FormatError">It is the weight of another model.</exception>
    public void CheckBase(BaseMatrix matrix)
    {
        (long rows, long columns) = matrix.Target.Kind == TargetKind.Embedding
            ? (matrix.Target.InFeatures, matrix.Target.OutFeatures)
            : (matrix.Target.OutFeatures, matrix.Target.InFeatures);
        if (matrix.Tensor.Shape.Length != 2 || matrix.Tensor.Shape[0] != rows || matrix.Tensor.Shape[1] != columns)
        {
            throw Error(
                LoadErrorKind.Incompatible,
                matrix.Tensor,
                $"has the shape {matrix.Tensor.ShapeText}, the weight of {matrix.Target.Name} in this model has [{rows}, {columns}]");
        }
    }

    private static bool IsOfOtherModel(TargetModule target, TensorEntry tensor, bool isA) =>
        tensor.Shape.Length == 2 && tensor.Shape[isA ? 1 : 0] != (isA ? target.InFeatures : target.OutFeatures);

    private FormatError Error(LoadErrorKind kind, TensorEntry tensor, string problem) => new(kind, file, tensor.Name, problem);
}
