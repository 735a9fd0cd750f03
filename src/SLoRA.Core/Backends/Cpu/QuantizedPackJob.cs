using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a row-major weight <c>[outputs, inputs]</c> of any type into the int8 panels of a <see cref="CpuMatrix"/>.</summary>
internal sealed unsafe class QuantizedPackJob(WeightSource source, CpuMatrix matrix, int parts) : ComputeJob
{
    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int first, int end) = Share(matrix.Panels, part, parts);
        switch (source.Type)
        {
            case TensorType.F32:
                Pack<F32Elements>(first, end);
                break;
            case TensorType.F16:
                Pack<F16Elements>(first, end);
                break;
            case TensorType.BF16:
                Pack<Bf16Elements>(first, end);
                break;
            default:
                throw UnservedType.Error(source.Type);
        }
    }

    private void Pack<T>(int firstPanel, int endPanel)
        where T : struct, IElements
    {
        float* numbers = stackalloc float[Int8Layout.GroupInputs];
        short* integers = stackalloc short[Int8Layout.GroupInputs];
        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            int firstOutput = panel * CpuMatrix.PanelOutputs;
            int outputs = Math.Min(CpuMatrix.PanelOutputs, matrix.Outputs - firstOutput);
            for (int j = 0; j < outputs; j++)
            {
                byte* row = (byte*)source.Data + ((firstOutput + j) * (long)matrix.Inputs * T.Size);
                byte* destination = matrix.Panel(panel);
                for (int group = 0; group < matrix.Groups; group++)
                {
                    int first = group * Int8Layout.GroupInputs;
                    Load<T>(row + ((nint)first * T.Size), Math.Min(Int8Layout.GroupInputs, matrix.Inputs - first), numbers);
                    float scale = Int8Group.Quantize(numbers, Int8Layout.WeightLimit, integers);
                    for (int pair = 0; pair < Int8Layout.GroupPairs; pair++)
                    {
                        byte* at = destination + (pair * Int8Layout.PairBytes) + (2 * j);
                        at[0] = (byte)(sbyte)integers[2 * pair];
                        at[1] = (byte)(sbyte)integers[(2 * pair) + 1];
                    }

                    ((float*)(destination + Int8Layout.IntegerBytes))[j] = scale;
                    destination += Int8Layout.GroupBytes;
                }
            }
        }
    }

    private static void Load<T>(byte* source, int count, float* numbers)
        where T : struct, IElements
    {
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            T.Load16(source + (i * T.Size)).Store(numbers + i);
        }

        for (; i < Int8Layout.GroupInputs; i++)
        {
            numbers[i] = i < count ? T.Load(source + (i * T.Size)) : 0;
        }
    }
}
